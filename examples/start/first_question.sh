neuroengine ask --temperature 0 --max-new-len 12 "What do tomatoes need?"
