/** A gateway of one sandbox with a network, to be killed: it runs its argument, prints `up`, and waits. */
import { driver, specOf } from './fixture.ts'

const confined = await driver.launch(
  specOf(`${process.argv[2]} echo up; sleep 60`, {
    network: {
      mode: 'transparent',
      allow: [{ host: 'open.test', ports: [443] }],
      maxBytes: 1_000,
      maxConnections: 1,
      connectTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
    },
  }),
)
confined.onLine((line) => process.stdout.write(`${line.toString('utf8')}\n`))
