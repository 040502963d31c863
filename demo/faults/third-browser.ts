import { count } from '../format.ts'
import type { Fault } from './fault.ts'
import { countLosses, isWhole, tell } from './measure.ts'

const published = 20
/** ms for which the other browser keeps its stream. */
const stay = 5_000

interface Answer {
  status: number
  retryAfter: string | null
  body: { error?: string } | null
}

export const thirdBrowser: Fault = {
  id: 'third-browser',
  title: 'A third browser',
  claim:
    'Two other browsers of this user ask for a stream too. The limit is two: the third is refused, and this one is not harmed.',
  run: async (context) => {
    const counted = countLosses(context)
    const { answers } = await context.server.post<{ answers: Answer[] }>('other-browsers', {
      milliseconds: stay,
    })
    context.setOthers(answers)
    const figures = await context.server.look()
    const losses = await counted(await context.server.publish(published))
    const refused = answers.find(({ status }) => status === 429)
    setTimeout(() => context.setOthers([]), stay)
    const admitted = answers.filter(({ status }) => status === 200).length
    return {
      kept: isWhole(losses) && refused !== undefined && figures?.connections === figures?.limit,
      text: `${count(admitted, 'other browser')} let in (${figures?.connections} of ${figures?.limit} places), the next: ${refused?.status ?? 'let in too'} ${refused?.body?.error ?? ''}, Retry-After: ${refused?.retryAfter ?? 'none'} s. ${tell(published, losses)}`,
    }
  },
}
