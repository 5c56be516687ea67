"""Lists the LLMs that the hub offers, one a line as JSON."""

import json

from neuroengine import Neuroengine

for model in Neuroengine("Neuroengine-Large").getModels():
    print(json.dumps(model))
