// Prints what the detectors for scalars find and what they disturb: `node bench/detection/scalars.mjs [parts] [--corpora folder] [--misses] [--alarms]`.
// Parts: command, path, url, markup, expression; all without one. A benign call counts once, however many of its values are flagged.
import { commandInjection } from '../../packages/portcullis/src/inspection/shell/command-injection.ts'
import { scriptInjection } from '../../packages/portcullis/src/inspection/markup/script-injection.ts'
import { pathInjection } from '../../packages/portcullis/src/inspection/paths/path-injection.ts'
import { expressionInjection } from '../../packages/portcullis/src/inspection/expression/expression-injection.ts'
import { hostRole, urlRole } from '../../packages/portcullis/src/inspection/urls/url-role.ts'
import { inViews } from '../../packages/portcullis/src/inspection/views/views.ts'
import { openCorpora, wilson } from './corpora.mjs'
import { DISGUISES, ENCODINGS, PAIRS } from './mutations.mjs'

const PARTS = {
  command: [commandInjection, 'command'],
  path: [pathInjection, 'path'],
  markup: [scriptInjection, 'xss'],
  expression: [expressionInjection, 'other-injection'],
}
const BENIGN = ['benign-calls', 'benign-hard', 'benign-prose']

const args = process.argv.slice(2)
const at = args.indexOf('--corpora')
const corpora = openCorpora(at < 0 ? undefined : args[at + 1])
if (corpora === undefined) {
  console.error('The development sets are not here. Name their folder: --corpora <folder>')
  process.exit(1)
}
const wanted = args.filter((arg) => arg in PARTS || arg === 'url')
const parts = wanted.length > 0 ? wanted : [...Object.keys(PARTS), 'url']
for (const part of parts) {
  if (part === 'url') measureUrls()
  else measure(part, ...PARTS[part])
}

function measure(part, detector, set) {
  const inspect = inViews(detector)
  const isFound = (text) => inspect(text).some(({ weight }) => weight !== 'hint')
  console.log(`\n${part}`)
  const rows = corpora.attacks(set)
  for (const [source, all] of Object.entries(Object.groupBy(rows, ({ source: name }) => name))) {
    const missed = all.filter(({ text }) => !isFound(text))
    line(`  attacks, ${source}`, all.length - missed.length, all.length)
    if (args.includes('--misses'))
      for (const { text } of missed) console.log('      ', JSON.stringify(text).slice(0, 150))
  }
  line('  attacks, all', rows.filter(({ text }) => isFound(text)).length, rows.length)
  for (const name of BENIGN) benign(name, inspect)
  // A mutation is measured on what is found unchanged: it tells what the disguise alone gains.
  const found = rows.filter(({ text }) => text.length < 4096 && isFound(text))
  for (const [name, mutate] of Object.entries({ ...ENCODINGS, ...DISGUISES })) bypass(name, found, mutate, isFound)
  for (const [first, second] of PAIRS) {
    bypass(`${first} > ${second}`, found, (text) => ENCODINGS[second](ENCODINGS[first](text)), isFound)
  }
}

/** Rows of the generic family that are a URL or a host of an inside place, under roles that allow every scheme. */
function measureUrls() {
  console.log('\nurl')
  const schemes = 'http https ftp ftps sftp tftp gopher dict ldap rsync ssh irc rtmp ws wss xri'.split(' ')
  const asUrl = urlRole({ schemes, ports: [22, 25, 1337, 6379, 8080, 9200] })
  const asHost = hostRole({ port: 'allowed' })
  const isFound = (text) => (/^[a-z][a-z0-9+.-]*:/i.test(text) ? asUrl : asHost)(text).length > 0
  const inside = /:\/|169|\d{6}|local|metadata|internal|::|0x/
  const rows = corpora
    .attacks('other-injection', ['generic'])
    .filter(({ text }) => /^[a-z+.-]*:?\/{0,3}[[\w.:\]@\u2460-\u24ff-]+\/?\S*$/i.test(text) && inside.test(text))
  line('  attacks, crs/generic, forms of inside hosts', rows.filter(({ text }) => isFound(text)).length, rows.length)
  const urls = corpora
    .benign('benign-calls')
    .flatMap(({ texts }) => texts)
    .filter((text) => /^https?:\/\//.test(text))
  const refused = urls.filter((text) => asUrl(text).length > 0)
  line('  refused, benign-calls (private addresses included)', refused.length, urls.length)
  if (args.includes('--alarms'))
    for (const text of refused) console.log('      ', asUrl(text)[0].reason, text.slice(0, 100))
}

function benign(name, inspect) {
  for (const [source, all] of Object.entries(Object.groupBy(corpora.benign(name), (row) => row.source))) {
    const alarms = all.flatMap(({ texts }) =>
      texts
        .flatMap((text) =>
          inspect(text)
            .filter(({ weight }) => weight !== 'hint')
            .map((seen) => ({ ...seen, text })),
        )
        .slice(0, 1),
    )
    line(`  alarms, ${name}, ${source}`, alarms.length, all.length)
    if (args.includes('--alarms')) {
      for (const { reason, text, view } of alarms)
        console.log('      ', reason, view ?? '', JSON.stringify(text).slice(0, 150))
    }
  }
}

function bypass(name, rows, mutate, isFound) {
  const lost = rows.filter(({ text }) => !isFound(mutate(text)))
  line(`  bypass, ${name}`, lost.length, rows.length)
  if (args.includes(`--lost=${name}`))
    for (const { text } of lost.slice(0, 40)) console.log('      ', JSON.stringify(text).slice(0, 150))
}

function line(title, hits, all) {
  const [low, high] = wilson(hits, all)
  const share = all === 0 ? 0 : (100 * hits) / all
  console.log(
    `${title.padEnd(56)} ${String(hits).padStart(6)} of ${String(all).padEnd(6)} ${share.toFixed(2).padStart(7)} %   [${low.toFixed(2)}, ${high.toFixed(2)}]`,
  )
}
