import { Tab } from 'tab-election'
import type { OpenVariant } from './variant.ts'

/** The same as `leaderTab`, through the npm package of that name. */
export const tabElection: OpenVariant = (url, { run, hear, opened }) => {
  const tab = new Tab<{ open: boolean }>(run)
  tab.addEventListener('message', ({ data }) => hear(data.data))
  tab.addEventListener('state', ({ data }) => data?.open && opened())
  void tab.waitForLeadership(() => {
    const source = new EventSource(url)
    source.onopen = () => {
      tab.setState({ open: true })
      opened()
    }
    source.onmessage = ({ data, lastEventId }) => {
      tab.send({ data, id: lastEventId })
      hear(data)
    }
  })
}
