/** What runs in the thread of `clean-thread.ts`. */
import { answerTasks } from '../slow-work.ts'
import { cleanSvg } from './svg-cleaner.ts'

answerTasks((text: string) => cleanSvg(text))
