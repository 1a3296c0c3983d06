/** Where an exporter stands in each chain, on disk: never ahead of what its receiver has taken, and behind it for a moment only. */

/** How the place is kept: whole or not at all. */
export interface CursorFile {
  /** For people. */
  readonly path: string
  /** Undefined when there is none yet. */
  read(): string | undefined
  write(text: string): Promise<void>
}

/** What was kept cannot be understood. */
export class CursorDamaged extends Error {
  override readonly name = 'CursorDamaged'

  constructor(path: string) {
    super(
      `${path} does not say how far the exporter is; remove it, and everything is sent again, or with "begin: newest" what comes from then on`,
    )
  }
}

export class Cursor {
  readonly #file: CursorFile
  readonly #onProblem: (error: unknown) => void
  readonly #delivered: Map<string, number>
  #isDirty = false
  #writing: Promise<void> | undefined

  /** Throws CursorDamaged for a file that cannot be understood, and what reading throws. */
  constructor(file: CursorFile, onProblem: (error: unknown) => void) {
    this.#file = file
    this.#onProblem = onProblem
    this.#delivered = parse(file)
  }

  /** Sequence numbers of the last records that were delivered. */
  get tenants(): ReadonlyMap<string, number> {
    return this.#delivered
  }

  of(tenant: string): number | undefined {
    return this.#delivered.get(tenant)
  }

  /** What cannot be written is written with the next move; until then a restart sends records again. */
  move(tenant: string, sequence: number): void {
    this.#delivered.set(tenant, sequence)
    this.#isDirty = true
    this.#writing ??= this.#write()
  }

  /** Resolves when all moves are on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    try {
      while (this.#isDirty) {
        this.#isDirty = false
        await this.#file.write(this.#text())
      }
    } catch (error) {
      this.#onProblem(error)
    } finally {
      this.#writing = undefined
    }
  }

  #text(): string {
    return `${JSON.stringify({ version: 1, delivered: Object.fromEntries(this.#delivered) })}\n`
  }
}

function parse(file: CursorFile): Map<string, number> {
  const text = file.read()
  if (text === undefined) return new Map()
  const { version, delivered } = readJson(text) as { readonly version?: unknown; readonly delivered?: unknown }
  const entries = typeof delivered === 'object' && delivered !== null ? Object.entries(delivered) : undefined
  if (
    version !== 1 ||
    entries === undefined ||
    !entries.every(([, value]) => Number.isSafeInteger(value) && value >= 0)
  )
    throw new CursorDamaged(file.path)
  return new Map(entries as [string, number][])
}

function readJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
