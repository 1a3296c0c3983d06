/** Which kinds of network this host can hold, found out by making a namespace that nobody uses. */
import { askTool } from '../child.ts'
import type { Enforcement } from '../driver.ts'
import { ownMark } from '../mark.ts'
import { namespaceCommand, type OpenerTools, withStandIns } from './opener.ts'

export interface NetworkTools extends OpenerTools {
  readonly nsenter: string | undefined
}

export interface NetworkAbility {
  readonly modes: Enforcement['network']
  /** The host's own words about what is missing from `modes`; undefined when nothing is. */
  readonly reason: string | undefined
}

/** Never throws: every problem is an answer. Makes no listeners, so that it takes a few milliseconds only. */
export async function probeNetwork(tools: NetworkTools, privileged: boolean): Promise<NetworkAbility> {
  const { bwrap, sh, nsenter, ip } = tools
  if (nsenter === undefined) return { modes: [], reason: 'nsenter was not found' }
  const nothing = [sh, '-c', ':', ownMark()]
  const making = namespaceCommand(bwrap, privileged)
  const problem = await problemOf([...making, ...nothing])
  if (problem !== undefined) return { modes: [], reason: problem }
  if (ip === undefined) return { modes: ['explicit'], reason: 'ip was not found' }
  const missing = await problemOf([...making, ...withStandIns(tools, nothing)])
  return missing === undefined
    ? { modes: ['explicit', 'transparent'], reason: undefined }
    : { modes: ['explicit'], reason: missing }
}

async function problemOf([program = '', ...args]: readonly string[]): Promise<string | undefined> {
  return askTool(program, args).then(
    () => undefined,
    (problem: Error) => problem.message.trim().split('\n').at(-1),
  )
}
