// What a run of the suite of identity leaves behind: IDENTITY.md to read, identity.json to compute with.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { BENCH } from '../lib/places.mjs'
import { median } from '../lib/statistics.mjs'
import { judge } from './goals.mjs'
import { CREDENTIALS } from './sizes.mjs'

const GIGABYTE = 1_073_741_824
const SIZE_HEAD = ['policies', 'look at arguments', 'roles', 'tenants']

/** Writes both files and answers the goals. */
export function writeReport({ options, startedAt, ways, decisions, paths, lists, loading }) {
  const goals = judge({ ways, decisions, paths, lists })
  const [scoped, wide] = [paths.filter(({ size }) => !size.wide), paths.filter(({ size }) => size.wide)]
  const pathHead = [
    ...SIZE_HEAD,
    'decision',
    'first decision of a kind',
    'API key + decision',
    'JWT + decision',
    'bound JWT + decision',
  ]
  const parts = [
    '# Bench of identity and policy\n',
    'Written by `npm run bench -- identity`; the method is in [README.md](README.md#identity-and-policy). Compare rows of one run only.\n',
    machine(options, startedAt),
    table(['goal', 'wanted', 'measured', 'met'], goals.map(goalCells)),
    '## To know who calls: CPU µs a call\n',
    table(
      ['credential', 'median', 'least'],
      ways.map(({ name, microseconds }) => [name, ...both(microseconds)]),
    ),
    '## To know what they may: CPU µs a call of a known caller\n',
    table(pathHead, pathRows(scoped, decisions)),
    'Each policy of the next rows is about every caller and every tool and looks at arguments, so all of them are asked. No goal speaks of them.\n',
    table(pathHead, pathRows(wide, decisions)),
    '## A list of 500 tools, trimmed: CPU ms\n',
    table([...SIZE_HEAD, 'new kind of caller', 'known kind', 'remembered'], listRows(lists)),
    '## Policies loaded: ms, and CPU ms in brackets; one run of each\n',
    table(
      [...SIZE_HEAD, 'Cedar asked for the first time', 'Cedar’s answers remembered', 'other tools'],
      loading.map(loadRow),
    ),
  ]
  writeFileSync(join(BENCH, 'IDENTITY.md'), parts.join('\n'))
  const figures = (rows) => rows.map(({ prepare: _, run: __, ...row }) => row)
  const measured = { ways: figures(ways), decisions: figures(decisions), paths: figures(paths), lists: figures(lists) }
  writeFileSync(
    join(BENCH, 'identity.json'),
    `${JSON.stringify({ startedAt, options, goals, ...measured, loading }, rounded, 1)}\n`,
  )
  return goals
}

function machine({ rounds, quick }, startedAt) {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  const load = loadavg()[1].toFixed(1)
  const note = quick ? '\n**A quick run: it shows that the bench works, its figures are not to be quoted.**\n' : ''
  return `${startedAt}; Node ${process.version}, Linux ${release()}; ${availableParallelism()} × ${processor}, ${Math.round(totalmem() / GIGABYTE)} GB.
${rounds} round(s) in shuffled order, medians; load of the machine over five minutes: ${load}.
${note}`
}

function goalCells({ title, wanted, value, unit, met }) {
  return [title, wanted, `${value.toFixed(2)}${unit}`, met ? 'yes' : '**no**']
}

function pathRows(paths, decisions) {
  const sizes = [...new Set(paths.map(({ size }) => size))]
  return sizes.map((size) => {
    const decision = (what) => decisions.find((row) => row.size === size && row.what === what).microseconds
    const path = (credential) => paths.find((row) => row.size === size && row.credential === credential).microseconds
    const figures = [decision('again'), decision('first'), ...CREDENTIALS.map(path)]
    return [...sizeCells(size), ...figures.map((microseconds) => median(microseconds).toFixed(1))]
  })
}

function listRows(lists) {
  const sizes = [...new Set(lists.map(({ size }) => size))]
  return sizes.map((size) => {
    const own = lists.filter((row) => row.size === size)
    return [...sizeCells(size), ...own.map(({ microseconds }) => (median(microseconds) / 1_000).toFixed(3))]
  })
}

const loadRow = ({ size, ...ways }) => [
  ...sizeCells(size),
  ...[ways.fresh, ways.again, ways.redefined].map(({ ms, cpuMs }) => `${ms.toFixed(0)} (${cpuMs.toFixed(0)})`),
]

const number = (value) => value.toLocaleString('en')
const sizeCells = ({ policies, reads, roles, tenants, wide }) => [
  `${number(policies)}${wide ? ', about everything' : ''}`,
  reads ? 'yes' : 'no',
  ...[roles, tenants].map(number),
]
const both = (microseconds) => [median(microseconds), Math.min(...microseconds)].map((value) => value.toFixed(1))

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}

const rounded = (_key, value) => (typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value)
