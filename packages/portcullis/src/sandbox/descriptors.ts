/** Which descriptors reach a child: exactly those that were put into its table, none that the gateway inherited. */
import { closeSync, readdirSync, readFileSync } from 'node:fs'
import { openConstant } from './nameless-file.ts'

const O_CLOEXEC = 0o2000000
let swept = false

/**
 * Closes what the gateway's own parent left open: bwrap hands on every descriptor that it was not told about. Node marks
 * all that it opens itself close-on-exec, so once at the start suffices.
 */
export function closeInheritedDescriptors(): void {
  if (swept) return
  swept = true // a second look could meet what another thread is just opening
  const inherited = readdirSync('/proc/self/fd').map(Number).filter(isInherited)
  for (const descriptor of inherited) if (descriptor > 2) closeIfOpen(descriptor)
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))
    return flags?.[1] !== undefined && (Number.parseInt(flags[1], 8) & O_CLOEXEC) === 0
  } catch {
    return false // the descriptor of the listing itself is gone by now
  }
}

function closeIfOpen(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // It is closed already.
  }
}

/** The descriptor table of a child that is being prepared, in the form that `spawn` takes. */
export class DescriptorTable {
  readonly stdio: Array<'pipe' | number> = ['pipe', 'pipe', 'pipe']
  readonly #borrowed: number[] = []
  readonly #contents: Array<{ readonly number: number; readonly content: string | Buffer }> = []

  /** A pipe to or from the child; returns its number there. */
  pipe(): number {
    return this.stdio.push('pipe') - 1
  }

  /** A pipe with something to read in it. */
  content(content: string | Buffer): number {
    const number = this.pipe()
    this.#contents.push({ number, content })
    return number
  }

  /** Something to read that is the same for every child: a file costs less than a pipe. */
  constant(content: string | Buffer): number {
    const descriptor = openConstant(content)
    return descriptor === undefined ? this.content(content) : this.lend(descriptor)
  }

  /** Hands on a descriptor of ours, which is closed by `close`. */
  lend(descriptor: number): number {
    this.#borrowed.push(descriptor)
    return this.stdio.push(descriptor) - 1
  }

  /** What is to be written into which pipe once the child runs. */
  get contents(): ReadonlyArray<{ readonly number: number; readonly content: string | Buffer }> {
    return this.#contents
  }

  /** Closes our copies of what was lent. Idempotent. */
  close(): void {
    for (const descriptor of this.#borrowed.splice(0)) closeIfOpen(descriptor)
  }
}
