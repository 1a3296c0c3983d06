/** The program that `policy-desk.ts` starts: a question on standard input, its answer on standard output. */
import { text } from 'node:stream/consumers'
import { openCedar } from '../policy/cedar.ts'
import { loadPolicies } from '../policy/load.ts'
import { PolicyError } from '../policy/problem.ts'
import type { CheckQuestion, Findings, PrintQuestion } from './policy-desk.ts'

async function check({ sources, roles, upstreams, tools, tenants }: CheckQuestion): Promise<Findings> {
  const words = { roles, upstreams, tools: new Map(tools), ...(tenants !== undefined && { tenants: new Map(tenants) }) }
  try {
    const { policies, revision } = await loadPolicies(sources, words)
    return { problems: [], policies: policies.length, revision }
  } catch (thrown) {
    if (thrown instanceof PolicyError) return { problems: thrown.problems }
    throw thrown
  }
}

function print({ policies }: PrintQuestion): readonly string[] {
  const cedar = openCedar()
  return policies.map((policy) => cedar.print(policy))
}

const question = JSON.parse(await text(process.stdin)) as CheckQuestion | PrintQuestion
process.stdout.write(JSON.stringify(question.ask === 'print' ? print(question) : await check(question)))
