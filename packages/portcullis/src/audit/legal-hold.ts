/** Decides whether records of a tenant may be removed at all: while a hold stands, none is. */

/** How the holds of a tenant are kept: whole or not at all. */
export interface HoldFile {
  /** Undefined when there is none yet. */
  read(): string | undefined
  write(text: string): void
}

/** Why nothing may be removed, until somebody says otherwise. */
export interface LegalHold {
  /** Such as the number of a case. */
  readonly name: string
  readonly reason: string
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** Name of the file in the folder of the chain. */
export const HOLD_FILE = 'holds.json'

/** By name. Throws for a file that is damaged: who cannot read the holds must take it that there are some. */
export function readHolds(file: Pick<HoldFile, 'read'>): readonly LegalHold[] {
  const text = file.read()
  if (text === undefined) return []
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || !value.every(isHold)) throw new Error('the file of the legal holds is damaged')
  return value
}

/** Sets a hold, or gives that of the same name another reason. Throws as `readHolds` does. */
export function setHold(file: HoldFile, hold: LegalHold): void {
  const others = readHolds(file).filter(({ name }) => name !== hold.name)
  file.write(textOf([...others, hold]))
}

/** Lifts a hold; the others stand. Throws as `readHolds` does. */
export function liftHold(file: HoldFile, name: string): void {
  file.write(textOf(readHolds(file).filter((hold) => hold.name !== name)))
}

const textOf = (holds: readonly LegalHold[]): string =>
  `${JSON.stringify(holds.toSorted((one, other) => (one.name < other.name ? -1 : 1)))}\n`

function isHold(value: unknown): value is LegalHold {
  if (typeof value !== 'object' || value === null) return false
  const { name, reason, by, since } = value as Partial<LegalHold>
  return [name, reason, by].every((one) => typeof one === 'string') && typeof since === 'number'
}
