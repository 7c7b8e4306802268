"""UCSD Ped1: a walkway seen lengthwise; whatever is no pedestrian is an anomaly."""

from __future__ import annotations

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._ucsd import Ucsd


class UcsdPed1(Ucsd):
    """36 test videos of 200 frames, 158x238, grey, 10 of them with masks. Test017/142.tif is truncated as it comes."""

    folder = "UCSDped1"
    unmasked = 26
    about = BenchmarkInfo(
        title="UCSD Pedestrian 1",
        page="http://www.svcl.ucsd.edu/projects/anomaly/dataset.htm",
        licence="research use",
        use="noncommercial",
        get="Download UCSD_Anomaly_Dataset.tar.gz from the page and unpack it; --root is UCSD_Anomaly_Dataset.v1p2.",
        layout="""UCSDped1/Test/Test001/001.tif       frames, numbered from 1
UCSDped1/Test/Test001_gt/*.bmp      masks, of 10 videos
UCSDped1/Test/UCSDped1.m            frame labels
any folder (option `tracks`)        Test001.txt with lines track,frame,left,top,right,bottom""",
        expected=SplitSize(36, 7_200, 4_045),
        metrics=("frame_auc", "pixel_auc_40"),
        paper_metrics=("pixel_auc", "frame_auc"),
        paper_pixel_size=(158, 238),
        names=("car", "cart", "wheelchair", "skate", "bicycle"),
        cite="Mahadevan, Li, Bhalodia, Vasconcelos: Anomaly Detection in Crowded Scenes. CVPR 2010.",
    )
