"""UCSD Ped2: a walkway seen from the side; whatever is no pedestrian is an anomaly."""

from __future__ import annotations

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._ucsd import Ucsd


class UcsdPed2(Ucsd):
    """12 test videos of 120 to 180 frames, 240x360, grey, all with masks."""

    folder = "UCSDped2"
    about = BenchmarkInfo(
        title="UCSD Pedestrian 2",
        page="http://www.svcl.ucsd.edu/projects/anomaly/dataset.htm",
        licence="research use",
        use="noncommercial",
        get="Download UCSD_Anomaly_Dataset.tar.gz from the page and unpack it; --root is UCSD_Anomaly_Dataset.v1p2.",
        layout="""UCSDped2/Test/Test001/001.tif       frames, numbered from 1
UCSDped2/Test/Test001_gt/*.bmp      masks
UCSDped2/Test/UCSDped2.m            frame labels
any folder (option `tracks`)        Test001.txt with lines track,frame,left,top,right,bottom""",
        expected=SplitSize(12, 2_010, 1_648),
        metrics=("frame_auc", "pixel_auc_40"),
        paper_metrics=("pixel_auc", "frame_auc"),
        paper_pixel_size=(158, 238),
        names=("car", "cart", "wheelchair", "skate", "bicycle"),
        cite="Mahadevan, Li, Bhalodia, Vasconcelos: Anomaly Detection in Crowded Scenes. CVPR 2010.",
    )
