// One flood in a process of its own, until whoever started it lets go.
import { FLOODS } from '../../packages/portcullis/test/fixtures/floods.ts'

const stop = new AbortController()
process.on('disconnect', () => {
  stop.abort()
  setTimeout(() => process.exit(), 500)
})
process.once('message', (target) => void FLOODS[process.argv[2]](target, stop.signal))
