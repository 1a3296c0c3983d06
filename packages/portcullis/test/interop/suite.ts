// What is tried with every client at every place.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Peer } from './peer.ts'
import type { Place, Target } from './target.ts'

const WATCHED = 'test://watched-resource'
const ATTEMPTS = 100
const ATTEMPT_MS = 50

/** How a client of the suite is made, and which revision it must have agreed on. */
export interface Connection {
  readonly title: string
  readonly revision?: string
  /** Set where the client itself never tells the server that a call was given up, and why. */
  readonly neverCancels?: string
  connect(place: Place): Promise<Peer>
}

/** Declares the tests of one connection at one target. */
export function describePeer(connection: Connection, target: Target): void {
  describe(`${connection.title} at ${target.title}`, { timeout: 60_000 }, () => {
    let place: Place
    let peer: Peer

    before(async () => {
      place = await target.start()
      peer = await connection.connect(place)
    })
    after(async () => {
      await peer?.close()
      await place?.close()
    })

    it('agrees on the expected revision', () => {
      if (connection.revision !== undefined) assert.equal(peer.revision, connection.revision)
      assert.notEqual(peer.serverName, '')
    })
    it('lists and calls tools', () => listsAndCalls(peer))
    it('carries every type of content', () => carriesContent(peer))
    it('reports the error of a tool as a result', async () => {
      assert.equal((await peer.call('test_error_handling')).isError, true)
    })
    it('refuses a tool that is not there', () => assert.rejects(peer.call('no_such_tool')))
    it('hears progress in order', async () => {
      const heard: number[] = []
      await peer.call('test_tool_with_progress', {}, { onProgress: (progress) => heard.push(progress) })
      assert.deepEqual(heard, [0, 50, 100])
    })
    it('answers an elicitation', async () => {
      const { text } = await peer.call('test_elicitation', { message: 'Who?' })
      assert.match(text, /action=accept.*alice@example\.org/)
    })
    it('answers a sampling request', async () => {
      assert.equal((await peer.call('test_sampling', { prompt: 'Capital?' })).text, 'LLM response: Paris')
    })
    it('answers three questions at once and two in a row', async () => {
      assert.equal((await peer.call('test_input_required_result_multiple_inputs')).text, 'Paris Alice, 1 root(s)')
      assert.equal((await peer.call('test_input_required_result_multi_round')).text, 'Favorite color: blue')
    })
    it('lists and reads resources', () => readsResources(peer))
    it('lists and gets prompts, and completes an argument', () => getsPrompts(peer))
    it('hears of changes that it watches', () => hearsChanges(peer))
    if (connection.neverCancels === undefined) {
      it('cancels a call, and the upstream hears of it', () => cancels(peer))
    }
    it('keeps twenty concurrent calls apart', () => keepsApart(peer))
  })
}

async function listsAndCalls(peer: Peer): Promise<void> {
  const names = await peer.toolNames()
  assert.ok(names.includes('test_simple_text') && names.includes('echo'))
  assert.equal((await peer.call('test_simple_text')).text, 'This is a simple text response for testing.')
  const echo = await peer.call('echo', { message: 'grüß dich' })
  assert.deepEqual([echo.text, echo.structured, echo.isError], ['grüß dich', { message: 'grüß dich' }, false])
}

async function carriesContent(peer: Peer): Promise<void> {
  assert.deepEqual((await peer.call('test_multiple_content_types')).blocks, ['text', 'image', 'resource'])
  assert.deepEqual((await peer.call('test_audio_content')).blocks, ['audio'])
}

async function readsResources(peer: Peer): Promise<void> {
  assert.ok((await peer.resourceUris()).includes('test://static-text'))
  assert.equal(await peer.readText('test://static-text'), 'This is the content of the static text resource.')
  assert.match(await peer.readText('test://template/7/data'), /"id":"7"/)
  await assert.rejects(peer.readText('test://nowhere'))
}

async function getsPrompts(peer: Peer): Promise<void> {
  assert.ok((await peer.promptNames()).includes('test_prompt_with_arguments'))
  assert.match(await peer.promptText('test_prompt_with_arguments', { arg1: 'x', arg2: 'y' }), /arg1='x', arg2='y'/)
  assert.deepEqual(await peer.completions('test_prompt_with_arguments', 'arg1', 'pa'), ['paris', 'park', 'party'])
}

/** Repeats what causes a notice until it is heard: a client may open its stream after `watch` has returned. */
async function hearsChanges(peer: Peer): Promise<void> {
  const heard = new Set<string>()
  await peer.watch(WATCHED, (method) => heard.add(method))
  for (let attempt = 0; attempt < ATTEMPTS && heard.size < 2; attempt++) {
    await peer.call('touch_watched_resource')
    await peer.call('test_trigger_tool_change')
    await sleep(ATTEMPT_MS)
  }
  assert.deepEqual([...heard].sort(), ['notifications/resources/updated', 'notifications/tools/list_changed'])
}

async function cancels(peer: Peer): Promise<void> {
  const cancelled = async (): Promise<number> => Number((await peer.call('count_cancelled')).text)
  const earlier = await cancelled()
  const abort = new AbortController()
  const call = peer.call('wait_until_cancelled', {}, { signal: abort.signal })
  setTimeout(() => abort.abort(), 2 * ATTEMPT_MS)
  await assert.rejects(call)
  for (let attempt = 0; attempt < ATTEMPTS && (await cancelled()) === earlier; attempt++) await sleep(ATTEMPT_MS)
  assert.equal(await cancelled(), earlier + 1)
}

async function keepsApart(peer: Peer): Promise<void> {
  const messages = Array.from({ length: 20 }, (_, index) => `message ${index}`)
  const answers = await Promise.all(messages.map((message) => peer.call('echo', { message })))
  assert.deepEqual(
    answers.map(({ text }) => text),
    messages,
  )
}
