import { once } from 'node:events'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { CedarAnswers } from '../policy/remembered-cedar.ts'
import type { PolicySource } from '../policy/source.ts'
import type { TenantWords, Vocabulary } from '../policy/vocabulary.ts'
import { startChild } from '../sandbox/child.ts'
import { DescriptorTable } from '../sandbox/descriptors.ts'

/**
 * Asks Cedar in a process of its own. Its engine takes 50 MB that a process never gives back, and a gateway needs it
 * only for policies and tools that it has not seen before.
 */
export interface CedarQuestion {
  readonly sources: readonly PolicySource[]
  readonly roles: readonly string[]
  readonly upstreams: readonly string[]
  readonly tools: readonly (readonly [upstream: string, tools: readonly ToolDefinition[]])[]
  readonly tenants?: readonly (readonly [tenant: string, words: TenantWords])[]
}

const PATIENCE_MS = 20_000

/** Undefined when there is a mistake in the policies, or no such process can be had: then ask in this one. */
export async function askCedarApart(
  sources: readonly PolicySource[],
  { roles, upstreams, tools, tenants }: Vocabulary,
): Promise<CedarAnswers | undefined> {
  const words = { roles, upstreams, tools: [...tools], ...(tenants !== undefined && { tenants: [...tenants] }) }
  const question: CedarQuestion = { sources, ...words }
  return (await answerApart('cedar-process', question)) as CedarAnswers | undefined
}

/** What a program of this room, run as a process of its own, answers to a question; undefined when it gives none in time. */
export async function answerApart(
  program: 'cedar-process' | 'policy-process',
  question: object,
  patienceMs = PATIENCE_MS,
): Promise<unknown> {
  const file = fileURLToPath(new URL(`./${program}${extname(import.meta.url)}`, import.meta.url))
  try {
    const child = await startChild([process.execPath, file], {
      environment: {},
      cwd: '/',
      table: new DescriptorTable(),
    })
    const late = setTimeout(() => child.process.kill('SIGKILL'), patienceMs)
    child.stderr.resume()
    child.stdin.end(JSON.stringify(question))
    const [answer, [status]] = await Promise.all([text(child.stdout), once(child.process, 'exit')])
    clearTimeout(late)
    return status === 0 ? (JSON.parse(answer) as unknown) : undefined
  } catch {
    return undefined
  }
}
