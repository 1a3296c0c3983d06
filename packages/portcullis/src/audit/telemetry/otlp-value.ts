/** Attributes in the JSON of OTLP: each value under the name of its type. */

/** Members that are undefined are left out. */
export type AttributeValues = Readonly<Record<string, string | number | boolean | undefined>>

/** A list of `KeyValue`. */
export function otlpAttributes(values: AttributeValues): readonly object[] {
  const list: object[] = []
  for (const key in values) {
    const value = values[key]
    if (value !== undefined) list.push({ key, value: otlpValue(value) })
  }
  return list
}

function otlpValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
