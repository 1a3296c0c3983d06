import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { Fault } from '../core/fault.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import { explain, type Explanation } from '../policy/explain.ts'
import type { PolicyProblem } from '../policy/problem.ts'
import type { PolicyRequest } from '../policy/question.ts'
import type { PolicySource } from '../policy/source.ts'
import type { Vocabulary } from '../policy/vocabulary.ts'
import { answerApart, type CedarQuestion } from './cedar-apart.ts'

/**
 * Answers administrators' questions about policies. Cedar itself is asked in a process apart: its engine would hold up the
 * calls of others for 130 ms, and keep 40 MB for good.
 */
export interface Findings {
  readonly problems: readonly PolicyProblem[]
  /** How many there are; absent when there are problems. */
  readonly policies?: number
  readonly revision?: string
}

export interface CheckQuestion extends CedarQuestion {
  readonly ask: 'check'
}

export interface PrintQuestion {
  readonly ask: 'print'
  readonly policies: readonly PolicyJson[]
}

/**
 * What loading these policies would find. `asker` is the tenant that asks. Rejects with `administration.unanswered` when the
 * process gives no answer, with `traffic.shed` while that tenant has another question, or others have too many.
 */
export async function checkPolicies(
  asker: string,
  sources: readonly PolicySource[],
  { roles, upstreams, tools, tenants }: Vocabulary,
): Promise<Findings> {
  const words = { roles, upstreams, tools: [...tools], ...(tenants !== undefined && { tenants: [...tenants] }) }
  const question: CheckQuestion = { ask: 'check', sources, ...words }
  return (await answer(asker, question)) as Findings
}

/** As `explain`, with what is near put into Cedar's words. Rejects as `checkPolicies`. */
export async function explainApart(asker: string, engine: PolicyEngine, request: PolicyRequest): Promise<Explanation> {
  const wanted: PolicyJson[] = []
  const plain = explain(engine, request, (policy) => String(wanted.push(policy)))
  if (wanted.length === 0) return plain
  const question: PrintQuestion = { ask: 'print', policies: wanted }
  const printed = (await answer(asker, question)) as readonly string[]
  let at = 0
  return explain(engine, request, () => printed[at++] ?? '')
}

/** Each question costs a process of 100 MB for a second, so a few at a time are enough for people. */
const MOST_AT_ONCE = 2
/** Somebody waits for it, so what takes longer is of no use, and keeps others from asking. */
const PATIENCE_MS = 8_000
/** The tenants whose questions are being answered: none takes more than one of the places. */
const asking = new Set<string>()

async function answer(asker: string, question: CheckQuestion | PrintQuestion): Promise<unknown> {
  if (asking.has(asker) || asking.size >= MOST_AT_ONCE)
    throw new Fault('traffic.shed', { reason: 'questions about policies', asker })
  asking.add(asker)
  try {
    const given = await answerApart('policy-process', question, PATIENCE_MS)
    if (given === undefined)
      throw new Fault('administration.unanswered', { reason: 'the process apart gave no answer in time' })
    return given
  } finally {
    asking.delete(asker)
  }
}
