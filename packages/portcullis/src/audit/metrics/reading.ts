/** One metric as it stands at a scrape. */
import type { Counter, Family, Histogram, Labels } from './family.ts'

export interface Reading {
  /** In the manner of Prometheus: a unit at the end, `_total` for counters. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A Histogram where the type says so, else a number. */
  readonly values: readonly { readonly labels: Labels; readonly value: number | Histogram }[]
}

/** Counters by their labels. */
export const counted = (name: string, help: string, family: Family<Counter>): Reading => ({
  name,
  help,
  type: 'counter',
  values: family.entries.map(({ labels, cell }) => ({ labels, value: cell.value })),
})

/** A metric without labels. */
export const one = (name: string, help: string, type: Reading['type'], value: number | Histogram): Reading => ({
  name,
  help,
  type,
  values: [{ labels: {}, value }],
})
