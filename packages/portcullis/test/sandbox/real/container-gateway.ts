/** A gateway of one container, to be killed: the image and a shell line are its arguments; it prints lines, and waits. */
import { createContainerDriver } from '../../../src/sandbox/container/container.ts'
import { specOf } from './fixture.ts'

const [, , image = '', line = ''] = process.argv
const driver = createContainerDriver({ engine: 'podman', image })
const confined = await driver.launch(specOf(line))
confined.onLine((text) => process.stdout.write(`${text.toString('utf8')}\n`))
