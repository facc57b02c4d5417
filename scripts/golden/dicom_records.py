"""Golden DICOM waveforms and values, written and read back by pydicom (3.0).

Usage: dicom_records.py tests/data/golden/dicom
Writes twelve.dcm (12-Lead ECG, explicit VR, a second multiplex group with a median beat), implicit.dcm (implicit VR) and
values.json with what pydicom's own decoder makes of the first group.
"""
import json
import os
import sys

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.waveforms import multiplex_array

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
CODES = [1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8]
TWELVE_LEAD_ECG = UID("1.2.840.10008.5.1.4.1.1.9.1.1")


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def group(samples, rate):
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels = samples.shape[1]
    item.NumberOfWaveformSamples = samples.shape[0]
    item.SamplingFrequency = str(rate)
    item.ChannelDefinitionSequence = Sequence()
    for i, lead in enumerate(LEADS):
        channel = Dataset()
        channel.ChannelSourceSequence = Sequence([code(f"5.6.3-9-{CODES[i]}", "SCPECG", f"Lead {lead}")])
        channel.ChannelSensitivity = "4.88"
        channel.ChannelSensitivityUnitsSequence = Sequence([code("uV", "UCUM", "microvolt")])
        channel.ChannelSensitivityCorrectionFactor = "1"
        channel.ChannelBaseline = str(i)
        channel.WaveformBitsStored = 16
        item.ChannelDefinitionSequence.append(channel)
    item.WaveformBitsAllocated = 16
    item.WaveformSampleInterpretation = "SS"
    item.WaveformData = samples.astype("<i2").tobytes()
    return item


def write(path, groups, syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = TWELVE_LEAD_ECG
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = syntax
    data = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientSex, data.PatientAge = "A^B", "M", "018M"
    data.AcquisitionDateTime = "20200301120000"
    data.WaveformSequence = Sequence(groups)
    data.save_as(path, enforce_file_format=True)
    return multiplex_array(data, 0, as_raw=False)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(7)
    rhythm, median = rng.integers(-2000, 2000, (20, 12)), rng.integers(-9, 9, (6, 12))
    values = write(os.path.join(folder, "twelve.dcm"), [group(rhythm, 500), group(median, 1000)], ExplicitVRLittleEndian)
    implicit = write(os.path.join(folder, "implicit.dcm"), [group(rhythm, 500)], ImplicitVRLittleEndian)
    assert (values == implicit).all()
    with open(os.path.join(folder, "values.json"), "w") as file:
        json.dump({"leads": LEADS, "rate": 500, "values": values.round(6).tolist()}, file)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
