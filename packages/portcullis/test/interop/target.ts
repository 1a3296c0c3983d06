// Where the interoperability tests are run: the fixture behind TLS and a token alone, and behind a gateway, both ways.

import { fileURLToPath } from 'node:url'
import { startEverything } from '../fixtures/everything/http.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { type PassThrough, startPassThrough } from '../fixtures/pass-through.ts'

/** A row of the table of places; `start` opens it. */
export interface Target {
  readonly title: string
  start(): Promise<Place>
}

/** An open place, reachable by HTTPS with a token and an authority. */
export type Place = PassThrough

const STDIO_FIXTURE = fileURLToPath(new URL('../fixtures/everything/everything-stdio.ts', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url))

/** Every place; the first proves that the test itself is right. */
export const TARGETS: readonly Target[] = [
  { title: 'a TLS pass-through', start: () => beforeHttp((url) => startPassThrough(url)) },
  {
    title: 'the gateway over an HTTP upstream',
    start: () => beforeHttp((url) => startTestGateway({ upstreams: [{ name: 'everything', url }] })),
  },
  {
    title: 'the gateway over a stdio upstream',
    start: () => {
      const command = [process.execPath, STDIO_FIXTURE] as const
      return startTestGateway({ upstreams: [{ name: 'everything', command, readable: [REPOSITORY] }] })
    },
  },
]

async function beforeHttp(start: (url: string) => Promise<PassThrough>): Promise<Place> {
  const fixture = await startEverything()
  try {
    const { url, token, caFile, close } = await start(fixture.url)
    const closeBoth = async (): Promise<void> => {
      await close()
      await fixture.close()
    }
    return { url, token, caFile, close: closeBoth }
  } catch (error) {
    await fixture.close()
    throw error
  }
}
