// What we want to be true of identity and policy, as data, and whether it is. Medians of the rounds.
import { median } from '../lib/statistics.mjs'

const CALL_MICROSECONDS = 60
const LIST_MILLISECONDS = 2

/** The dearest of each kind counts. */
export function judge({ ways, decisions, paths, lists }) {
  const scoped = ({ size }) => !size.wide
  const at = (credential) => paths.filter((row) => scoped(row) && row.credential === credential)
  const decision = dearest(decisions.filter((row) => scoped(row) && row.what === 'again'))
  const others = ways.filter(({ known }) => known)
  const list = (...kinds) => lists.filter(({ what }) => kinds.includes(what))
  return [
    atMost('Known API key and decision, dearest size', dearest(at('key')), CALL_MICROSECONDS, ' µs'),
    atMost('Known JWT and decision, dearest size', dearest(at('jwt')), CALL_MICROSECONDS, ' µs'),
    atMost(
      'Known JWT bound to a certificate and decision, dearest size',
      dearest(at('bound')),
      CALL_MICROSECONDS,
      ' µs',
    ),
    atMost(
      'Any known credential and the dearest decision, added up',
      dearest(others) + decision,
      CALL_MICROSECONDS,
      ' µs',
    ),
    atMost('500 tools trimmed for a new kind of caller', dearest(list('new kind')) / 1_000, LIST_MILLISECONDS, ' ms'),
    atMost('500 tools trimmed again', dearest(list('known kind', 'remembered')) / 1_000, LIST_MILLISECONDS, ' ms'),
  ]
}

/** The greatest of the medians. */
export const dearest = (rows) => Math.max(...rows.map(({ microseconds }) => median(microseconds)))

function atMost(title, value, limit, unit) {
  return { title, wanted: `< ${limit}${unit}`, value, unit, met: value < limit }
}
