/** Where the folders of snippets are, one for each call, and how they go again, also after a crash of the gateway. */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rmdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostIdentity } from '../../sandbox/driver.ts'
import { isMarkOfDead, ownMark } from '../../sandbox/mark.ts'
import { give } from './give.ts'
import { removeTree } from './remove-tree.ts'

const PREFIX = 'portcullis-code-'
/** In the folder of a gateway, beside those of its calls, which are all that a snippet sees. */
const OWNER_FILE = 'owner'

export interface ScratchOptions {
  /** An existing folder in which nobody else can rename what is ours, such as one with the sticky bit. */
  readonly parent: string
  /** The account of the snippets, when the gateway changes it. */
  readonly runAs?: HostIdentity | undefined
  /** Hears of a folder that could not be removed. */
  readonly warn: (message: string, facts: Readonly<Record<string, unknown>>) => void
}

export class Scratch {
  readonly #options: ScratchOptions
  #base: Promise<string> | undefined
  #last = 0

  constructor(options: ScratchOptions) {
    this.#options = options
  }

  /** Removes what gateways that are gone have left, and makes the folder of this one. Throws the system's error. */
  open(): Promise<string> {
    this.#base ??= this.#make()
    this.#base.catch(() => {
      this.#base = undefined
    })
    return this.#base
  }

  /** A new empty folder that belongs to the account of the snippets. */
  async folder(): Promise<string> {
    const folder = join(await this.open(), `${++this.#last}`)
    await mkdir(folder, { mode: 0o700 })
    await give(folder, this.#options.runAs)
    return folder
  }

  /** Never throws; what cannot be removed now is removed by a later gateway. */
  async remove(folder: string): Promise<void> {
    try {
      await removeTree(folder)
    } catch (thrown) {
      this.#options.warn('a folder of a snippet could not be removed', { folder, error: (thrown as Error).message })
    }
  }

  async close(): Promise<void> {
    const base = await this.#base?.catch(() => undefined)
    this.#base = undefined
    if (base !== undefined) await this.#removeBase(base)
  }

  /** The name of the owner goes last, so that what is left by a crash in between still tells whose it was. */
  async #removeBase(base: string): Promise<void> {
    try {
      for (const entry of await readdir(base, { withFileTypes: true })) {
        if (entry.isDirectory()) await this.remove(join(base, entry.name))
      }
      await unlink(join(base, OWNER_FILE))
      await rmdir(base)
    } catch (thrown) {
      this.#options.warn('the folder of snippets could not be removed', { base, error: (thrown as Error).message })
    }
  }

  async #make(): Promise<string> {
    const parent = await realpath(this.#options.parent)
    await this.#sweep(parent)
    const base = await mkdtemp(join(parent, PREFIX))
    await writeFile(join(base, OWNER_FILE), mark(), { mode: 0o600, flag: 'wx' })
    // The account of the snippets passes, and learns no names.
    if (this.#options.runAs !== undefined) await chmod(base, 0o711)
    return base
  }

  async #sweep(parent: string): Promise<void> {
    for (const name of await readdir(parent)) {
      const path = join(parent, name)
      if (name.startsWith(PREFIX) && (await isLeftover(path))) await this.#removeBase(path)
    }
  }
}

/** Only what is ours and says that its gateway is gone: others may put names of our kind into a folder of all. */
async function isLeftover(path: string): Promise<boolean> {
  try {
    const status = await lstat(path)
    if (!status.isDirectory() || status.uid !== process.getuid?.()) return false
    return isGone(await readFile(join(path, OWNER_FILE), 'utf8'))
  } catch {
    return false
  }
}

const HAS_PROC = process.platform === 'linux'

/** Where there is no /proc, an id that was used again keeps a folder from being swept, which is the safe mistake. */
const mark = (): string => (HAS_PROC ? ownMark() : `${process.pid}`)

function isGone(owner: string): boolean {
  if (HAS_PROC) return isMarkOfDead(owner)
  try {
    return !process.kill(Number(owner), 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
