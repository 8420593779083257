"""Add a stage to a pipeline as `aws codepipeline get-pipeline` told it.

python3 add-stage.py PIPELINE.json STAGE.json [NAME=VALUE ...]

Each ${NAME} in the stage becomes VALUE. A stage of that name that is there already is replaced.
"""

import json
import re
import sys
from pathlib import Path


def main(pipeline_file: Path, stage_file: Path, values: dict[str, str]) -> None:
    """Write the pipeline with the stage to where it was read."""
    text = re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], stage_file.read_text())
    stage = json.loads(text)
    answer = json.loads(pipeline_file.read_text())
    stages = answer["pipeline"]["stages"]
    stages[:] = [each for each in stages if each["name"] != stage["name"]] + [stage]
    pipeline_file.write_text(json.dumps({"pipeline": answer["pipeline"]}, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(
            Path(sys.argv[1]),
            Path(sys.argv[2]),
            dict(argument.split("=", 1) for argument in sys.argv[3:]),
        )
    except KeyError as missing:
        sys.exit(f"{sys.argv[2]}: give a value for {missing.args[0]}: {missing.args[0]}=VALUE")
