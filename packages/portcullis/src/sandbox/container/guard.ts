/**
 * Sees to it that no container outlives its gateway. Killing the command line of an engine does not kill the container,
 * and no signal reaches it when the gateway dies; so a small process waits for that with the end of a pipe.
 */
import { startChild, type StartedChild } from '../child.ts'
import { DescriptorTable } from '../descriptors.ts'
import { isMarkOfDead, ownMark } from '../mark.ts'
import { LABEL } from './arguments.ts'
import { ask, type Engine, removal, remove } from './engine.ts'

/**
 * Its environment says how to list and how to remove. Once the pipe ends, it removes what bears the gateway's mark, three
 * times, because the engine may still be starting one, and the gateway's folder. Output goes nowhere: its reader is dead.
 */
const SCRIPT = `
exec >/dev/null 2>&1
trap '' HUP INT TERM
while read -r line; do :; done
for round in 1 2 3; do
  names=$($LIST)
  [ -n "$names" ] && $REMOVE $names
  sleep 1
done
[ -n "$FOLDER" ] && rm -rf -- "$FOLDER"
`

export interface Guard {
  /** Starts it, or starts it again. Throws `sandbox.start_failed`; no container may be made then. */
  stand(): Promise<void>
}

/** A guard that does not stand yet. `folder` ends with the gateway. */
export function createGuard(engine: Engine, sh: string, folder: string | undefined): Guard {
  let standing: Promise<StartedChild> | undefined
  const fallen = () => {
    standing = undefined
  }
  const start = async () => {
    const child = await startGuard(engine, sh, folder)
    child.process.once('exit', fallen)
    return child
  }
  return {
    stand: async () => {
      standing ??= start()
      await standing.catch((problem: unknown) => {
        fallen()
        throw problem
      })
    },
  }
}

async function startGuard(engine: Engine, sh: string, folder: string | undefined): Promise<StartedChild> {
  const list = [...engine.argv, 'ps', '--all', '--quiet', '--filter', `name=${ownMark()}-`]
  const child = await startChild([sh, '-c', SCRIPT, 'guard'], {
    // Words without spaces: tools are found in fixed directories, marks are letters and digits.
    environment: {
      ...engine.environment,
      LIST: list.join(' '),
      REMOVE: [...engine.argv, ...removal(engine)].join(' '),
      FOLDER: folder ?? '',
    },
    cwd: '/',
    table: new DescriptorTable(),
  })
  // It must not keep the gateway from ending.
  for (const part of [child.process, child.stdin, child.stdout, child.stderr])
    (part as { unref?: () => void }).unref?.()
  return child
}

/** Removes the containers of gateways that are gone, their guards with them. Returns how many. Throws nothing. */
export async function sweepContainers(engine: Engine): Promise<number> {
  const { stdout } = await ask(engine, ['ps', '--all', '--filter', `label=${LABEL}`, '--format', '{{.Names}}'])
  const dead = stdout.split('\n').filter(isMarkOfDead)
  const removed = await Promise.all(dead.map((name) => remove(engine, name)))
  return removed.filter(Boolean).length
}
