import { serve } from './index.ts'

serve()
