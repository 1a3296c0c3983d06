import assert from 'node:assert/strict'
import { it } from 'node:test'
import { findExcess, type Measured, roomIn } from '../../../src/sandbox/folders/excess.ts'

const folder = (changes: Partial<Measured> = {}): Measured => ({
  shown: '/work',
  device: 1,
  limits: { bytes: 100, files: 10 },
  size: { bytes: 60, files: 5 },
  blindSpot: undefined,
  ...changes,
})
const NOTHING = new Map<number, number>()

it('a folder within its limits is well, at the limit too', () => {
  assert.equal(findExcess([folder()], NOTHING), undefined)
  assert.equal(findExcess([folder({ size: { bytes: 100, files: 10 } })], NOTHING), undefined)
})

const TOO_MUCH = [
  ['bytes', folder({ size: { bytes: 101, files: 5 } }), NOTHING],
  ['files', folder({ size: { bytes: 0, files: 11 } }), NOTHING],
  ['open files without a name', folder(), new Map([[1, 41]])],
  ['a folder that cannot be looked into', folder({ blindSpot: '/work/x cannot be looked into' }), NOTHING],
] as const

for (const [what, measured, held] of TOO_MUCH) {
  it(`too much by ${what} is named`, () => {
    assert.match(findExcess([measured], held) ?? '', /^\/work/)
  })
}

it('without a limit nothing is too much', () => {
  const free = folder({ limits: {}, size: { bytes: 1e12, files: 1e9 }, blindSpot: '/work/x lies too deep' })
  assert.equal(findExcess([free], new Map([[1, 1e12]])), undefined)
})

it('open files without a name count against the folders of their file system together, and of no other', () => {
  const two = [folder(), folder({ shown: '/more' })]
  assert.equal(findExcess(two, new Map([[1, 80]])), undefined)
  assert.notEqual(findExcess(two, new Map([[1, 81]])), undefined)
  assert.equal(findExcess(two, new Map([[2, 1e9]])), undefined)
})

it('the room is what the folder and its file system leave', () => {
  assert.deepEqual(roomIn(folder(), [folder()], new Map([[1, 30]])), { bytes: 10, files: 5 })
  assert.deepEqual(roomIn(folder({ limits: {} }), [folder({ limits: {} })], NOTHING), {
    bytes: Number.POSITIVE_INFINITY,
    files: Number.POSITIVE_INFINITY,
  })
})
