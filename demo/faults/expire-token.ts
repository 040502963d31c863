import { count } from '../format.ts'
import type { Fault } from './fault.ts'
import { breakAndCount, tabsOf } from './measure.ts'

const published = 20

interface LoggedRequest {
  at: string
  url: string
  status: number | null
}

const requestsSince = async (at: number): Promise<LoggedRequest[]> => {
  const { requests } = (await (await fetch('/debug/requests')).json()) as { requests: LoggedRequest[] }
  return requests.filter((request) => Date.parse(request.at) >= at)
}

export const expireToken: Fault = {
  id: 'expire-token',
  title: 'Let the token expire',
  claim:
    'The SSE token is void from now on, and the stream ends as it does then. One tab is asked, one token fetched, for all of them.',
  run: async (context) => {
    let began = 0
    const outcome = await breakAndCount(context, published, async () => {
      // Both clocks are this machine's: the demo's server listens on the loopback interface.
      began = Date.now()
      await context.server.post('expire-token')
      return context.server.publish(published)
    })
    const requests = await requestsSince(began)
    const exchanges = requests.filter(({ url }) => url.endsWith('/sse-token')).length
    const refused = requests.filter(({ status, url }) => status === 401 && url.includes('/stream')).length
    const tabs = tabsOf(context).length
    return {
      kept: outcome.kept && exchanges === 1,
      text: `${count(refused, 'answer')} 401, then ${count(exchanges, 'exchange')} for ${count(tabs, 'tab')}. ${outcome.text}`,
    }
  },
}
