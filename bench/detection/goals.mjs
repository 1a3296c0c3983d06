// What we want to be true of the detection, as data, and whether it is. Shares in per cent.
const FOUND = { sqli: 97, xss: 97, path: 97, command: 95 }
const NAMES = { sqli: 'SQL', xss: 'Scripts', path: 'Paths', command: 'Commands', 'other-injection': 'Other injections' }
const SINGLE_BYPASS = 2
const PAIR_BYPASS = 5
const BLOCKED = 0.1
const FLAGGED = 1
const CALL_MICROSECONDS = 40
const WORST_RATIO = 10
const POISONED = 40
const HONEST_DEFINITIONS = 0.5

export function judge({ attacks, confirmed, bypass, calls, cost, costs, definitions }) {
  const whole = (set) => attacks.find((row) => row.set === set && row.source === 'all')
  return [
    ...Object.entries(FOUND).map(([set, least]) =>
      atLeast(`${NAMES[set]} found where a value is narrow`, share(whole(set)), least, ' %'),
    ),
    ...confirmed
      .filter(({ source }) => source === 'all')
      .map(({ set, foundConfirmed, confirmed: all }) =>
        atLeast(
          `${NAMES[set]} found, of those that an oracle confirms`,
          share({ found: foundConfirmed, all }),
          FOUND[set],
          ' %',
        ),
      ),
    ...Object.keys(NAMES).flatMap((set) => [
      atMost(`${NAMES[set]} lost by the best single disguise`, worst(bypass, set, false), SINGLE_BYPASS, ' %'),
      atMost(`${NAMES[set]} lost by the best pair of encodings`, worst(bypass, set, true), PAIR_BYPASS, ' %'),
    ]),
    atMost('Honest calls blocked', calls.blocked, BLOCKED, ' %'),
    atMost('Honest calls flagged', calls.flagged, FLAGGED, ' %'),
    atMost('CPU of a call of about 1 KB', cost.microseconds, CALL_MICROSECONDS, ' µs'),
    atMost(
      'Worst value of 1 KB against a typical call',
      Math.max(...costs.flatMap((row) => Object.values(row.costs))) / cost.microseconds,
      WORST_RATIO,
      ' ×',
    ),
    atLeast('Poisoned definitions flagged', definitions.poisoned, POISONED, ' %'),
    atMost('Honest definitions flagged', definitions.honest, HONEST_DEFINITIONS, ' %'),
  ]
}

export const share = ({ found, all }) => (all === 0 ? 0 : (100 * found) / all)

function worst(bypass, set, pair) {
  return Math.max(
    ...bypass.filter((row) => row.set === set && row.pair === pair).map(({ lost, all }) => (100 * lost) / all),
  )
}

const atLeast = (title, value, wanted, unit) => ({
  title,
  value,
  wanted: `≥ ${wanted}${unit}`,
  unit,
  met: value >= wanted,
})
const atMost = (title, value, wanted, unit) => ({
  title,
  value,
  wanted: `≤ ${wanted}${unit}`,
  unit,
  met: value <= wanted,
})
