// Decides what the detectors are measured on: rows of the development sets, read where they are and never copied.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Reads the sets of a folder; `undefined` when there is none, which the caller has to say. */
export function openCorpora(folder = process.env.PORTCULLIS_CORPORA ?? '../shared/corpora') {
  const place = resolve(folder)
  if (!existsSync(place)) return undefined
  const rows = (name) =>
    readFileSync(join(place, `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  return {
    /** Whole calls: `{ name, args, source }`. */
    calls: () => rows('benign-calls'),
    /** Descriptions of tools: `{ label, text, source }`. */
    definitions: () => rows('tool-descriptions'),
    attacks: (name, families) =>
      rows(name)
        .filter((row) => row.label === 1 && (families === undefined || families.includes(row.family)))
        .map((row) => ({
          source: row.family === undefined ? row.source : `${row.source}/${row.family}`,
          text: row.text,
        })),
    benign: (name) =>
      name === 'benign-calls'
        ? rows(name).map((row) => ({ source: row.source, texts: strings(row.args) }))
        : rows(name)
            .filter((row) => row.label !== 1)
            .map((row) => ({ source: row.source, texts: [row.text] })),
  }
}

function strings(value) {
  if (typeof value === 'string') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(strings) : []
}

/** Wilson's interval for `hits` of `all` at 95 %, in per cent. */
export function wilson(hits, all) {
  if (all === 0) return [0, 100]
  const z = 1.96
  const share = hits / all
  const middle = share + (z * z) / (2 * all)
  const reach = z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all))
  const below = 1 + (z * z) / all
  return [Math.max(0, (100 * (middle - reach)) / below), Math.min(100, (100 * (middle + reach)) / below)]
}
