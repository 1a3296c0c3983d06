// IN-4: what is left of hostile markup, in a real browser: nothing runs, and nothing is fetched.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { markupInspect } from '../../../../src/inspection/results/markup-inspect.ts'
import { mediaKind } from '../../../../src/inspection/results/media-kind.ts'
import type { ResultText } from '../../../../src/inspection/results/result-text.ts'
import { renderMarkdown } from './render-markdown.ts'
import { HTML_VECTORS, MARKDOWN_VECTORS, SVG_VECTORS, XML_VECTORS } from './vectors.ts'

/** Where distributions put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** What a frame shows, by number; its type is that of all of them. */
let documents: readonly string[] = []
let type = 'text/html'
let ran = 0
let fetched = 0
/** The numbers of documents that did something, as far as that can be told. */
const alive = new Set<string>()
const server = createServer(({ url = '', headers }, response) => {
  const number = /^\/document\/(\d+)$/.exec(url)?.[1]
  if (number !== undefined)
    return response.setHeader('content-type', `${type};charset=utf-8`).end(documents[Number(number)])
  if (url.includes('fetched')) {
    fetched++
    alive.add(numberIn(headers.referer))
  }
  const frames = documents.map((_, index) => `<iframe src="/document/${index}"></iframe>`)
  return response.setHeader('content-type', 'text/html').end(url === '/' ? frames.join('') : '')
})
const numberIn = (url = ''): string => /\/document\/(\d+)$/.exec(url)?.[1] ?? 'somewhere'

let browser: Browser
let page: Page
let host = ''

before(async () => {
  const executablePath = PLACES.find((place) => existsSync(place))
  assert.ok(executablePath, `install Chromium: none of ${PLACES.join(', ')} is there`)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  page = await browser.newPage()
  await page.exposeBinding('told', ({ frame }) => {
    ran++
    alive.add(numberIn(frame.url())).add(numberIn(frame.parentFrame()?.url()))
  })
  await page.addInitScript('window.RUN = window.CLICK = () => { window.told() }')
  // Other hosts are never reached, and being asked for one counts.
  await page.route('**/*', (route) => {
    const url = new URL(route.request().url())
    if (url.host === host || url.protocol === 'data:') return route.continue()
    fetched++
    return route.abort()
  })
})
after(async () => {
  await browser.close()
  server.closeAllConnections()
  server.close()
})

const aimed = (vector: string): string => vector.replaceAll('FETCH', `http://${host}/fetched`).replaceAll('HOST', host)

/** A person who clicks on whatever is no ordinary link. */
const CLICK = `for (const element of document.querySelectorAll('a, button, math, [id=CLICK]'))
  if (!/^https?:$/.test(element.protocol ?? '')) { element.dispatchEvent(new Event('click', { bubbles: true })); element.click?.() }`

/** Shows all at once, each in a frame of its own, and tells how often something ran or was fetched. */
async function show(
  texts: readonly string[],
  mimeType = 'text/html',
): Promise<{ readonly ran: number; readonly fetched: number }> {
  documents = texts
  type = mimeType
  ran = 0
  fetched = 0
  await page.goto(`http://${host}/`, { waitUntil: 'load', timeout: 10_000 }).catch(() => {})
  await Promise.all(page.frames().map((frame) => frame.evaluate(CLICK).catch(() => {})))
  await new Promise((resolve) => setTimeout(resolve, 60))
  return { ran, fetched }
}

const BATCH = 25

/** Fails with those that do something, found by showing each alone when one of a batch does. */
async function assertDead(texts: readonly string[], mimeType?: string, what: 'all' | 'ran' = 'all'): Promise<void> {
  const isAlive = async (some: readonly string[]) => {
    const seen = await show(some, mimeType)
    return seen.ran + (what === 'all' ? seen.fetched : 0) > 0
  }
  const found: string[] = []
  for (let from = 0; from < texts.length; from += BATCH) {
    const batch = texts.slice(from, from + BATCH)
    if (await isAlive(batch)) for (const text of batch) if (await isAlive([text])) found.push(text)
  }
  assert.deepEqual(found, [])
}

/** Asserts that the vectors are worth something: most of them do something where nobody cleans them. */
async function assertAlive(texts: readonly string[]): Promise<void> {
  let count = 0
  for (let from = 0; from < texts.length; from += BATCH) {
    alive.clear()
    await show(texts.slice(from, from + BATCH))
    count += [...alive].filter((number) => number !== 'somewhere').length
  }
  assert.ok(count > texts.length * 0.6, `${count} of ${texts.length}`)
}

/** By the verdicts of the configuration: strong ones are masked by default, hints where somebody asks for it. */
async function cleaned(given: ResultText, weights: readonly ('strong' | 'hint')[]): Promise<string> {
  const { sightings, clean } = await markupInspect(given)
  const masked = weights.filter((weight) => sightings.some((sighting) => sighting.weight === weight))
  if (masked.length === 0) return given.text
  return clean === undefined ? '[masked]' : clean(new Set(masked))
}

const ALL = ['strong', 'hint'] as const
const each = (vectors: readonly string[], clean: (text: string) => Promise<string>) =>
  Promise.all(vectors.map((vector) => clean(aimed(vector))))
const asHtml = (text: string) => cleaned({ text, kind: 'html' }, ['strong'])
const asText = (weights: readonly ('strong' | 'hint')[]) => (text: string) =>
  cleaned({ text, kind: 'markdown' }, weights)
const withProse = (text: string) => `Some words.\n\n${text}\n\nMore words.`

test('the vectors are many, and most of them work where nobody cleans them', async () => {
  assert.ok(HTML_VECTORS.length >= 120, `${HTML_VECTORS.length}`)
  await assertAlive(HTML_VECTORS.map(aimed))
  await assertAlive(MARKDOWN_VECTORS.map((vector) => renderMarkdown(aimed(vector))))
})

describe('of a page', () => {
  test('nothing runs and nothing is fetched', async () => {
    await assertDead(await each(HTML_VECTORS, asHtml))
  })

  test('nothing does inside of another element either', async () => {
    await assertDead((await each(HTML_VECTORS, asHtml)).map((text) => `<div title="x"><p>${text}</p></div>`))
  })

  test('nothing does where two follow each other', async () => {
    const pairs = HTML_VECTORS.map((vector, at) => vector + (HTML_VECTORS[(at + 7) % HTML_VECTORS.length] as string))
    await assertDead(await each(pairs, asHtml))
  })

  test('nothing runs where nobody has said that it is one', async () => {
    const guessed = (text: string) => cleaned({ text, ...mediaKind(text, undefined) }, ['strong'])
    await assertDead(await each(HTML_VECTORS, guessed), undefined, 'ran')
  })
})

describe('of tags in a text', () => {
  test('nothing runs', async () => {
    const left = await each(HTML_VECTORS.map(withProse), asText(['strong']))
    await assertDead(left, undefined, 'ran')
    await assertDead(left.map(renderMarkdown), undefined, 'ran')
  })

  test('nothing is fetched where hints are masked', async () => {
    const left = await each(HTML_VECTORS.map(withProse), asText(ALL))
    await assertDead(left)
    await assertDead(left.map(renderMarkdown))
  })
})

describe('of markdown', () => {
  test('nothing runs', async () => {
    await assertDead((await each(MARKDOWN_VECTORS, asText(['strong']))).map(renderMarkdown), undefined, 'ran')
  })

  test('nothing is fetched where hints are masked', async () => {
    await assertDead((await each(MARKDOWN_VECTORS, asText(ALL))).map(renderMarkdown))
  })
})

describe('of a picture and of XML', () => {
  for (const [kind, mimeType, vectors] of [
    ['svg', 'image/svg+xml', SVG_VECTORS],
    ['xml', 'text/xml', XML_VECTORS],
  ] as const) {
    test(`nothing runs and nothing is fetched: ${mimeType}`, async () => {
      const left = await each(vectors, (text) => cleaned({ text, kind }, ['strong']))
      await assertDead(left, mimeType)
      await assertDead(left)
    })
  }
})
