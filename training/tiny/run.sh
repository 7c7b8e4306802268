#!/bin/sh
# The parts of the `tiny` preset from nothing, in one piece: pixels, names, prompts, and the fit of recipes/bench/tiny-parts.yaml.
#     training/tiny/run.sh OUT              two processes on two cores: about three hours
#     training/tiny/run.sh OUT cuda 14      one GPU, 14 processes that draw and prepare
# PYTHON is the interpreter [.venv/bin/python], TIMES stretches every stage [1]: TIMES=0.02 tries the script itself.
# Stages whose results are in OUT are skipped. README.md describes each stage.
set -eu
out=${1:?OUT, a folder} device=${2:-cpu} workers=${3:-0}
python=${PYTHON:-.venv/bin/python} times=${TIMES:-1}
minutes() { awk "BEGIN {print $1 * $times}"; }
steps() { awk "BEGIN {n = int($1 * $times); print n < 2 ? 2 : n}"; }
some() { awk "BEGIN {print $times < 0.1 ? int($1 / 10) : $1}"; }
drawn="--device $device --workers $workers --cache $out/scenes"
case $device in
  cpu) run="$python -m torch.distributed.run --standalone --nproc_per_node 2" one="--threads 1" batch=8
       eyes=51 eyes_lr=2e-3 names=40 names_lr=1e-3 prompts=12 prompts_lr=5e-4 fit_batch=8 ;;
  *)   run=$python one="" batch=64
       eyes=1.5 eyes_lr=3e-3 names=2 names_lr=2e-3 prompts=0.75 prompts_lr=7e-4 fit_batch=16 ;;
esac
street="--street $(some 2500) --people $(some 2500) --test $(some 100)"

[ -f "$out/corpus/corpus.json" ] || "$python" -m lavida_gen build --recipe tiny-parts --out "$out/corpus" \
  --workers "$((workers > 2 ? workers : 2))" --set "samples=$(some 30000)"
[ -f "$out/pixels/done" ] || $run training/tiny/train_pixels.py $drawn --minutes "$(minutes $eyes)" --lr $eyes_lr \
  --batch $batch --scenes "$(some 5000)" --out "$out/pixels"
touch "$out/pixels/done"
[ -f "$out/names/done" ] || $run training/tiny/train.py $drawn $one --cpu-minutes "$(minutes $names)" --names-first 1 \
  --masks 0.4 --batch $batch --lr $names_lr --scenes "$(some 8500)" $street --four "$(some 6000)" \
  --model "$out/pixels" --out "$out/names"
touch "$out/names/done"
[ -f "$out/whole/done" ] || $run training/tiny/train.py $drawn $one --cpu-minutes "$(minutes $prompts)" --names-first 0 \
  --batch $((batch / 2 > 8 ? batch / 2 : 8)) --lr $prompts_lr --seed 1 --scenes "$(some 7000)" $street \
  --four "$(some 2000)" --model "$out/names" --out "$out/whole"
touch "$out/whole/done"
$run -m lavida_bench fit --recipe tiny-parts --out "$out/fit" --set "model.path=$out/whole" \
  --set "data=[{corpus: $out/corpus}]" --set fit.batch=$fit_batch --set "fit.steps=$(steps 3000)" \
  --set "fit.loader.workers=$((workers > 2 ? workers / 2 : 1))"
echo "To ship them: $python -m lavida.tiny $out/fit/model pixels=$out/pixels/curve.json names=$out/names/curve.json \
  whole=$out/whole/curve.json tiny-parts=$out/fit/log.jsonl"
