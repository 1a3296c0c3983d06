// Loaded into a measured program by NODE_OPTIONS=--import: on SIGUSR2 it collects garbage, so that memory can be compared. As
// thoroughly as the engine does in need: the room for young objects that a burst has left behind is given back too.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const THOROUGHLY = { type: 'major', execution: 'sync', flavor: 'last-resort' }
process.on('SIGUSR2', () => {
  collect(THOROUGHLY)
  collect(THOROUGHLY)
})
