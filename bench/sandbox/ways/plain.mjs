// The two yardsticks: the server as a child, and in a bwrap that was told no more than it must be.
import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { ensureProgram } from '../../lib/install.mjs'
import { startLines } from '../line-child.mjs'

export async function load({ folder, program }) {
  const missing = ensureProgram('bwrap', 'bubblewrap') ? undefined : 'bwrap is missing, and apt could not install it'
  const walls = ['/usr/bin/bwrap', ...minimalFlags(folder), '--']
  return [
    { name: 'bare process', roles: ['bare'], open: async (args) => startLines([program, ...args]) },
    {
      name: 'plain bwrap, minimal flags',
      roles: ['bwrap'],
      failed: missing,
      open: async (args) => startLines([...walls, program, ...args]),
    },
  ]
}

/** The namespaces, the system's programs and an empty /tmp. No filter, no limits, no account of its own. */
const minimalFlags = (folder) => [
  ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
  ...['--new-session', '--die-with-parent', '--cap-drop', 'ALL', '--clearenv'],
  ...['--ro-bind', '/usr', '/usr', ...['/bin', '/lib', '/lib64'].flatMap(shown)],
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--ro-bind', folder, folder],
]

function shown(path) {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}
