/** Whose the files of a snippet are. */
import { lchown } from 'node:fs/promises'
import type { HostIdentity } from '../../sandbox/driver.ts'

/** Gives a path to the account of the snippets; without one, they have the gateway's own. */
export async function give(path: string, runAs: HostIdentity | undefined): Promise<void> {
  if (runAs !== undefined) await lchown(path, runAs.uid, runAs.gid)
}
