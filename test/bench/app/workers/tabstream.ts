import { serve } from 'tabstream/worker'

serve()
