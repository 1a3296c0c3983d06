/**
 * Two things that podman lets us add, and docker does not: an init that nobody inside can read, and a limit of the
 * number of private files. They lie in a folder of the gateway that ends with it.
 */
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { HOME } from '../environment.ts'
import { isMarkOfDead, ownMark } from '../mark.ts'

export interface Kit {
  readonly folder: string
  /** Go before the command of the engine. */
  readonly engineFlags: readonly string[]
  /** Go to the creation of a container that may have so many files in each private file system. */
  createFlags(files: number | undefined): readonly string[]
}

/** The kernel lets nobody look into a process whose program may be executed but not read (ptrace(2), "dumpable"). */
const EXECUTE_ONLY = 0o711
const ANNOTATION = 'portcullis.files'
const PLACES = ['/tmp', HOME, '/dev/shm']
const KEPT_FLAGS = 'nosuid,nodev'

/**
 * Runs with the rights of the engine where the mounts of the container are, and before its root is (OCI runtime
 * specification, "createContainer hooks"). The number comes from the state that it reads.
 */
const HOOK = `
set -e
files=$(sed -n 's/.*"${ANNOTATION}":"\\([0-9]\\{1,\\}\\)".*/\\1/p')
[ -n "$files" ] && [ "$PWD" != / ]
for place in ${PLACES.join(' ')}; do mount -o "remount,${KEPT_FLAGS},nr_inodes=$files" tmpfs "$PWD$place"; done
`

/** `init` is the engine's own init of this host. Throws what the file system says. */
export function layKit(init: string): Kit {
  const folder = mkdtempSync(join(tmpdir(), `${ownMark()}-`))
  const hooks = join(folder, 'hooks')
  const ownInit = join(folder, 'init')
  mkdirSync(hooks)
  copyFileSync(init, ownInit)
  chmodSync(ownInit, EXECUTE_ONLY)
  writeFileSync(join(hooks, 'files.json'), JSON.stringify(hook()))
  return {
    folder,
    engineFlags: ['--hooks-dir', hooks],
    createFlags: (files) => [
      `--init-path=${ownInit}`,
      ...(files === undefined ? [] : [`--annotation=${ANNOTATION}=${files}`]),
    ],
  }
}

function hook(): object {
  return {
    version: '1.0.0',
    hook: { path: '/bin/sh', args: ['sh', '-c', HOOK], env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
    when: { annotations: { [`^${ANNOTATION.replace('.', '\\.')}$`]: '^[0-9]+$' } },
    stages: ['createContainer'],
  }
}

/** Throws `sandbox.start_failed` unless each private file system has the limit. Call it before the command runs. */
export function confirmFileLimit(initPid: number, files: number | undefined): void {
  if (files === undefined) return
  const mounts = readFileSync(`/proc/${initPid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  for (const place of PLACES) {
    // Where mounts are stacked, the last one is seen.
    const mount = mounts.findLast((fields) => fields[4] === place) ?? []
    const isLimited = mount.at(-1)?.split(',').includes(`nr_inodes=${files}`) === true
    if (isLimited && KEPT_FLAGS.split(',').every((flag) => mount[5]?.split(',').includes(flag))) continue
    throw new Fault('sandbox.start_failed', { path: place, reason: 'the engine did not limit the number of files' })
  }
}

/** Removes the folders of gateways that are gone. Only our own account's: everybody may make such a name. */
export function sweepKits(): void {
  for (const name of readdirSync(tmpdir()).filter(isMarkOfDead)) {
    const path = join(tmpdir(), name)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory() && found.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true })
  }
}
