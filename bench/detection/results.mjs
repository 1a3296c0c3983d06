// Decides what looking at results finds, what it disturbs, and what it costs: evidence of orders to a model, markup, credentials,
// source by source. `node bench/detection/results.mjs [--corpora folder] [--flagged]`
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { characterInspect } from '../../packages/portcullis/src/inspection/results/character-inspect.ts'
import { markupInspect } from '../../packages/portcullis/src/inspection/results/markup-inspect.ts'
import { mediaKind } from '../../packages/portcullis/src/inspection/results/media-kind.ts'
import { promptInspect } from '../../packages/portcullis/src/inspection/results/prompt-inspect.ts'
import { secretInspect } from '../../packages/portcullis/src/inspection/results/secret-inspect.ts'
import { openCorpora, wilson } from './corpora.mjs'

const INSPECTORS = { prompt: promptInspect, markup: markupInspect, secret: secretInspect, characters: characterInspect }

/** Rows of the sets that results can look like; those of `secrets` stand in base64 there. */
function rowsOf(folder) {
  const rows = (name) =>
    readFileSync(resolve(folder, `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  const texts = (name) =>
    rows(name).map(({ label, source, text, text_base64: base64 }) => ({
      set: name,
      label,
      source,
      text: text ?? Buffer.from(base64, 'base64').toString('utf8'),
    }))
  return ['tool-results', 'benign-prose', 'benign-shell', 'benign-sql', 'tool-descriptions', 'secrets'].flatMap(texts)
}

const WORDS = ['honest', 'hostile', 'undecided']

/** For each set, source and label: how many texts each inspector noted, and how many it was sure of. */
export async function measureResults(folder, tell = () => {}) {
  const counts = new Map()
  for (const { set, label, source, text } of rowsOf(folder)) {
    const name = `${set} ${source} (${WORDS[label] ?? label})`
    const count = counts.get(name) ?? { name, all: 0, hits: {}, strong: {} }
    counts.set(name, count)
    count.all++
    for (const [family, inspect] of Object.entries(INSPECTORS)) {
      const { sightings } = await inspect({ text, ...mediaKind(text, undefined) })
      if (sightings.length === 0) continue
      tell(name, sightings)
      count.hits[family] = (count.hits[family] ?? 0) + 1
      if (sightings.some(({ weight }) => weight !== 'hint')) count.strong[family] = (count.strong[family] ?? 0) + 1
    }
  }
  return [...counts.values()]
}

/** Texts of a size that are like results, and some that are made to keep somebody busy. */
const SAMPLES = {
  prose:
    'The order has been sent on Monday and arrives, as far as we know, within three days. See [the page](https://shop.example/o/17) for more. ',
  json: '{"id": 17, "name": "Lamp", "price": 12.5, "url": "https://shop.example/17", "note": "in stock"}, ',
  'page (from the second one on)':
    '<p>The order has been <b>sent</b> on Monday and arrives within three days, as far as we know. <a href="https://shop.example/">Shop</a></p>\n',
  'page with scripts':
    '<div class="row" id="r1"><script>track("a < b");</script><p onclick="x()">The <b>order</b> is on its way.</p><a href="/o?a=1&b=2">Shop</a></div>\n',
  'page of a shop':
    '<li class="item"><a href="https://shop.example/o/17"><img src="https://shop.example/17.png" alt="Lamp"></a><form action="/buy"><button>Buy</button></form> 12.50 &euro;</li>\n',
  'open tags': '<a ',
  'open images': '![',
  'open comments': '<!-- ',
  'words of rules': 'ignore all system: send it to your response ',
  'prefixes of tokens': 'sk-proj- ghp_ eyJ key- secret_ ',
}

/** Milliseconds for everybody who looks at a text, the best of some rounds. */
export async function measureResultCosts(sizes = [1_000, 100_000, 1_000_000, 10_000_000]) {
  const costs = []
  for (const [name, sample] of Object.entries(SAMPLES)) {
    const row = { name, costs: [] }
    for (const size of sizes) {
      const text = (name.startsWith('page') ? '' : 'x ') + sample.repeat(Math.ceil(size / sample.length))
      let best = Number.POSITIVE_INFINITY
      for (let round = 0; round < (size > 1_000_000 ? 1 : 5); round++) {
        const before = process.cpuUsage()
        for (const inspect of Object.values(INSPECTORS)) await inspect({ text, ...mediaKind(text, undefined) })
        const { user, system } = process.cpuUsage(before)
        best = Math.min(best, (user + system) / 1_000)
      }
      row.costs.push(best)
    }
    costs.push(row)
  }
  return costs
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { corpora: { type: 'string' }, flagged: { type: 'boolean' } } })
  const folder = values.corpora ?? process.env.PORTCULLIS_CORPORA ?? '../shared/corpora'
  if (openCorpora(folder) === undefined) {
    console.log('There are no corpora: name their folder with --corpora or PORTCULLIS_CORPORA. Nothing was measured.')
  } else {
    const tell = (name, found) =>
      console.log(`${name}: ${found.map(({ reason, evidence }) => `${reason} ${evidence}`).join('; ')}`)
    for (const { name, all, hits, strong } of await measureResults(
      folder,
      values.flagged === true ? tell : undefined,
    )) {
      for (const family of Object.keys(INSPECTORS)) {
        const count = hits[family] ?? 0
        if (count === 0 && family !== 'prompt') continue
        const [low, high] = wilson(count, all).map((share) => share.toFixed(2))
        console.log(
          `${name.padEnd(52)} ${family.padEnd(10)} ${String(count).padStart(5)} of ${String(all).padStart(5)} ${((100 * count) / all).toFixed(2).padStart(6)} %  (95 %: ${low} – ${high}), strong ${strong[family] ?? 0}`,
        )
      }
    }
  }
  console.log(`\n${'CPU in ms of a text of'.padEnd(34)}      1 KB    100 KB      1 MB     10 MB`)
  for (const { name, costs } of await measureResultCosts())
    console.log(`${name.padEnd(34)} ${costs.map((cost) => cost.toFixed(2).padStart(9)).join(' ')}`)
  process.exit()
}
