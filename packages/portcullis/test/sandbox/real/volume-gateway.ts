/** A gateway of one sandbox with a volume in the folder that it is given, to be killed: it prints `up`, and waits. */
import { driver, specOf } from './fixture.ts'

const volume = { folder: process.argv[2] ?? '', name: 'data', at: '/data', bytes: 8 << 20, files: 100 }
const confined = await driver.launch(
  specOf('echo kept > /data/file; sync; echo up; sleep 60', {
    volumes: [volume],
    onAccess: () => {},
  }),
)
confined.onLine((line) => process.stdout.write(`${line.toString('utf8')}\n`))
