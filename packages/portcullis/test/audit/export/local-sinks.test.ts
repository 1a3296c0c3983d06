/** AU-4: what is written beside the gateway is whole lines, for its owner alone, whatever the disk or the reader does. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { appendFiles, diskFileSystem } from '../../../src/audit/append-file.ts'
import { FileSink } from '../../../src/audit/export/file-sink.ts'
import { type Parcel, SinkError } from '../../../src/audit/export/sink.ts'
import { streamSink } from '../../../src/audit/export/stream-sink.ts'
import { newFolder } from '../fixtures.ts'

const parcel = (...texts: string[]): Parcel => ({ tenant: 'acme', items: [{ event: {} as never, texts }] })
const never = new AbortController().signal

describe('a file', () => {
  it('gets a line for each text, readable for nobody else, and grows over a restart', async () => {
    const path = join(newFolder(), 'records.jsonl')
    writeFileSync(path, 'earlier\n', { mode: 0o644 })
    for (const text of ['a', 'b']) {
      const sink = new FileSink({ path, maxBytes: 1_000, keep: 1 })
      await sink.deliver(parcel(text))
      await sink.close()
    }
    assert.equal(readFileSync(path, 'utf8'), 'earlier\na\nb\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('is followed by another when it is full, and the oldest go', async () => {
    const path = join(newFolder(), 'records.jsonl')
    const sink = new FileSink({ path, maxBytes: 10, keep: 2 })
    for (const text of ['one-----', 'two-----', 'three---', 'four----']) await sink.deliver(parcel(text))
    await sink.close()
    const read = (file: string) => readFileSync(file, 'utf8').trim()
    assert.deepEqual([read(path), read(`${path}.1`), read(`${path}.2`)], ['four----', 'three---', 'two-----'])
    assert(!existsSync(`${path}.3`))
  })

  it('does not make one line of what a crash has torn and what comes', async () => {
    const path = join(newFolder(), 'records.jsonl')
    writeFileSync(path, '{"torn":')
    const sink = new FileSink({ path, maxBytes: 1_000, keep: 1 })
    await sink.deliver(parcel('{"whole":1}'))
    await sink.close()
    assert.equal(readFileSync(path, 'utf8'), '{"torn":\n{"whole":1}\n')
  })

  it('has no half of a delivery when the disk is full, and takes it when there is room again', async () => {
    const path = join(newFolder(), 'records.jsonl')
    let room = 4
    const full = appendFiles({
      ...diskFileSystem,
      write(file, bytes, offset) {
        if (room === 0) return Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
        const taken = bytes.subarray(0, Math.min(bytes.length, offset + room))
        return diskFileSystem.write(file, taken, offset).then((written) => {
          room = 0
          return written
        })
      },
    })
    const sink = new FileSink({ path, maxBytes: 1_000, keep: 1, openFile: full })
    await assert.rejects(sink.deliver(parcel('a long line')), SinkError)
    assert.equal(readFileSync(path, 'utf8'), '')
    room = 100
    await sink.deliver(parcel('a long line'))
    await sink.close()
    assert.equal(readFileSync(path, 'utf8'), 'a long line\n')
  })

  it('is made anew when somebody has moved it away', async () => {
    const folder = newFolder()
    const path = join(folder, 'records.jsonl')
    const sink = new FileSink({ path, maxBytes: 1_000, keep: 1 })
    await sink.deliver(parcel('a'))
    const { renameSync } = await import('node:fs')
    renameSync(path, join(folder, 'moved'))
    await assert.rejects(sink.deliver(parcel('b')))
    await sink.deliver(parcel('b'))
    await sink.close()
    assert.equal(readFileSync(path, 'utf8'), 'b\n')
  })

  it('is not written through a link', async () => {
    const folder = newFolder()
    const path = join(folder, 'records.jsonl')
    appendFileSync(join(folder, 'other'), 'of somebody\n')
    symlinkSync(join(folder, 'other'), path)
    await assert.rejects(new FileSink({ path, maxBytes: 1_000, keep: 1 }).deliver(parcel('a')), SinkError)
    assert.equal(readFileSync(join(folder, 'other'), 'utf8'), 'of somebody\n')
  })
})

describe('a stream', () => {
  const EAGAIN = Object.assign(new Error('full'), { code: 'EAGAIN' })

  it('gets whole lines though its reader takes some bytes only, and rests now and then', async () => {
    let got = ''
    let turn = 0
    const sink = streamSink((bytes, offset) => {
      if (turn++ % 3 === 0) return Promise.reject(EAGAIN)
      const taken = bytes.subarray(offset, offset + 3)
      got += taken.toString()
      return Promise.resolve(taken.length)
    })
    await sink.deliver(parcel('first line', 'second'), never)
    assert.equal(got, 'first line\nsecond\n')
  })

  it('gives up in time, and does not go on in the middle of a line', async () => {
    let got = ''
    let room = 4
    const sink = streamSink((bytes, offset) => {
      if (room === 0) return Promise.reject(EAGAIN)
      const taken = bytes.subarray(offset, offset + room)
      room -= taken.length
      got += taken.toString()
      return Promise.resolve(taken.length)
    })
    await assert.rejects(sink.deliver(parcel('a long line'), AbortSignal.timeout(30)))
    room = 100
    await sink.deliver(parcel('a long line'), never)
    assert.equal(got, 'a lo\na long line\n')
  })

  it('tells when nobody reads it any more', async () => {
    const sink = streamSink(() => Promise.reject(Object.assign(new Error('gone'), { code: 'EPIPE' })))
    await assert.rejects(sink.deliver(parcel('a'), never), /gone/)
  })
})
