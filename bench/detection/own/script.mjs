// Attacks on pages, by technique: tags, handlers, schemes, places to break out of, and what frameworks evaluate.
import { readFileSync } from 'node:fs'
import { rowsOf } from './grammar.mjs'

const { lists: LISTS, techniques: TECHNIQUES } = JSON.parse(
  readFileSync(new URL('script.json', import.meta.url), 'utf8'),
)

export const scriptRows = (seed) => rowsOf(TECHNIQUES, LISTS, { seed, each: 12 })
