// Attacks on queries, by technique; written from what the techniques are, not from any collection.
import { readFileSync } from 'node:fs'
import { rowsOf } from './grammar.mjs'

const {
  lists: LISTS,
  techniques: TECHNIQUES,
  second: SECOND,
  documents: DOCUMENTS,
} = JSON.parse(readFileSync(new URL('sql.json', import.meta.url), 'utf8'))

const each = 12
export const sqlRows = (seed) => rowsOf(TECHNIQUES, LISTS, { seed, each })
export const moreSqlRows = (seed) => rowsOf(SECOND, LISTS, { seed, each })
export const documentRows = (seed) => rowsOf(DOCUMENTS, LISTS, { seed, each })
