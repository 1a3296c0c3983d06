/** What runs in the thread of `clean-thread.ts`. */
import { answerTasks } from '../slow-work.ts'
import type { CleaningTask } from './clean-thread.ts'
import { cleanMarkup } from './html-cleaner.ts'

answerTasks(({ text, kind }: CleaningTask) => cleanMarkup(text, kind))
