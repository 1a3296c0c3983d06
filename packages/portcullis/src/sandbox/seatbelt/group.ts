/**
 * The processes of one launch: a process group, which is all that macOS offers. A descendant that starts a session of
 * its own gets away, with the walls still around it.
 */
import { signalGroup, startChild, type StartedChild } from '../child.ts'
import { DescriptorTable } from '../descriptors.ts'
import type { ProcessTree } from '../process.ts'
import { type LaunchPlaces, removePlaces } from './places.ts'

/** Waits for the end of a pipe, which is that of the gateway, then kills the group and removes the folder. */
const WATCH = `
exec >/dev/null 2>&1
trap '' HUP INT TERM
while read -r line; do
  [ "$line" = over ] && exit 0
done
kill -KILL -- "-$1"
rm -rf -- "$2"
`

/** No signal ends a process of macOS with its parent; this one does, and ends with the word that it is over. */
export async function watchGroup(sh: string, pid: number, places: LaunchPlaces): Promise<StartedChild> {
  const watch = await startChild([sh, '-c', WATCH, 'watch', `${pid}`, places.folder], {
    environment: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    table: new DescriptorTable(),
  })
  // It must not keep the gateway from ending.
  for (const part of [watch.process, watch.stdin, watch.stdout, watch.stderr]) {
    ;(part as { unref?: () => void }).unref?.()
  }
  return watch
}

export function groupTree({ pid }: StartedChild, watch: StartedChild, places: LaunchPlaces): ProcessTree {
  return {
    terminate: () => signalGroup(pid, 'SIGTERM'),
    kill: () => signalGroup(pid, 'SIGKILL'),
    conclude: async () => {
      signalGroup(pid, 'SIGKILL')
      watch.stdin.end('over\n')
      removePlaces(places)
      return 'exited'
    },
  }
}
