addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  port!.onmessage = () => port!.postMessage('answer')
})
