/** Decides which word says what a value is: the name of its member, or one that stands beside it. */
import { kindOfName } from '../../core/recognise/field-names.ts'

/** Under these a pair of a name and a value tells its name: a header, a variable of an environment, a field of a form. */
const NAMING = ['name', 'key', 'field', 'header'] as const

/** What says what a value is: its own name, that which stands beside it, or the first of two elements. */
export function nameOf(
  holder: Readonly<Record<string | number, unknown>>,
  keys: readonly string[] | undefined,
  key: string | number,
): string | undefined {
  if (keys === undefined)
    return (holder as unknown as readonly unknown[]).length === 2 && key === 1 ? secretName(holder[0]) : undefined
  if (key !== 'value') return String(key)
  const told = NAMING.map((name) => (Object.hasOwn(holder, name) ? holder[name] : undefined))
  return told.find((one): one is string => typeof one === 'string') ?? 'value'
}

/** Two words beside each other are a pair only where the first one names a secret. */
const secretName = (first: unknown): string | undefined =>
  typeof first === 'string' && kindOfName(first) === 'secret' ? first : undefined
