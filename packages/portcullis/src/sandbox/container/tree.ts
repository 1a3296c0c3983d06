/** How the processes of one container are reached from outside, and how their end is known. */
import type { StartedChild } from '../child.ts'
import type { ProcessTree } from '../process.ts'
import { ask, type Engine, remove } from './engine.ts'
import type { ContainerGroups } from './groups.ts'
import { inspect, type Inspected } from './inspect.ts'

/** If the engine could not end the container by then, its command line is ended, and the container is removed by force. */
const ENGINE_GRACE_MS = 5000
const REMOVE_TRIES = 3

/** States of a container whose command has not run. */
const NEVER_RAN = ['created', 'configured', 'initialized']

/** The command line that we started is not the parent of anything inside: signals go through the engine as well. */
export function containerTree(engine: Engine, name: string, child: StartedChild, groups: ContainerGroups): ProcessTree {
  const signal = (signalName: string) => {
    // Whoever is gone already needs no signal.
    ask(engine, ['kill', '--signal', signalName, name]).catch(() => {})
  }
  return {
    terminate: () => signal('TERM'),
    kill: () => {
      groups.kill()
      signal('KILL')
      setTimeout(() => child.process.kill('SIGKILL'), ENGINE_GRACE_MS).unref()
    },
    conclude: async () => {
      groups.stopCounting()
      groups.refusals() // once more, before the engine removes what counts
      const last = await inspect(engine, name).catch(() => undefined)
      await removeSurely(engine, name)
      const reason = reasonOf(last)
      return reason === 'exited' && groups.refusals().memory > 0 ? 'out-of-memory' : reason
    },
    refusals: () => groups.refusals(),
  }
}

function reasonOf(last: Inspected | undefined): 'exited' | 'out-of-memory' | 'setup-failed' {
  if (last === undefined) return 'exited'
  if (NEVER_RAN.includes(last.State.Status)) return 'setup-failed'
  return last.State.OOMKilled ? 'out-of-memory' : 'exited'
}

/** What stays is swept by the guard, and by the next start. */
export async function removeSurely(engine: Engine, name: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_TRIES; attempt++) {
    if (await remove(engine, name).catch(() => false)) return
  }
}
