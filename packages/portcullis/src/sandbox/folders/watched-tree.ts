/** A process tree whose writable folders are looked at a last time when it is gone. */
import type { ProcessTree } from '../process.ts'
import type { WritableFolders } from './writable-folders.ts'

/** `disk-quota` is also why a tree ended that had filled its folders and was gone before it could be killed. */
export function watchedTree(tree: ProcessTree, folders: WritableFolders): ProcessTree {
  return {
    ...tree,
    flush: () => folders.flush(),
    conclude: async () => {
      const reason = await tree.conclude()
      await folders.close()
      return folders.isExceeded ? 'disk-quota' : reason
    },
  }
}
