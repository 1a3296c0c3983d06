/** A gateway of one sandbox, to be killed: it runs its argument, prints `up`, and waits. */
import { driver, specOf } from './fixture.ts'

const confined = await driver.launch(specOf(`${process.argv[2]} echo up; sleep 60`))
confined.onLine((line) => process.stdout.write(`${line.toString('utf8')}\n`))
