"""ComfyUI's own node classes that strangers may use, read one by one for version 0.3.64.

A class is on the list when it neither reads nor writes a path that the graph can choose,
calls no other service, and returns control between steps. Left out on purpose: see `REFUSED`.
"""


def _split(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.replace("\n", ",").split(",") if name.strip())


_LOADERS = _split("""
    CheckpointLoaderSimple, unCLIPCheckpointLoader, ImageOnlyCheckpointLoader, VAELoader,
    CLIPLoader, DualCLIPLoader, TripleCLIPLoader, QuadrupleCLIPLoader, UNETLoader,
    LoraLoader, LoraLoaderModelOnly, ControlNetLoader, DiffControlNetLoader, StyleModelLoader,
    CLIPVisionLoader, GLIGENLoader, HypernetworkLoader, UpscaleModelLoader, PhotoMakerLoader,
    ModelPatchLoader, AudioEncoderLoader, LoadImage, LoadImageMask
""")
_IMAGES = _split("""
    SaveImage, PreviewImage, MaskPreview, SaveAnimatedWEBP, SaveAnimatedPNG, SaveWEBM, SaveVideo,
    CreateVideo, GetVideoComponents, EmptyImage, ImageScale, ImageScaleBy, ImageInvert, ImageBatch,
    ImagePadForOutpaint, ImageUpscaleWithModel, ImageBlend, ImageBlur, ImageQuantize, ImageSharpen,
    ImageScaleToTotalPixels, ImageScaleToMaxDimension, ImageCompositeMasked, MaskToImage,
    ImageToMask, ImageColorToMask, SolidMask, InvertMask, CropMask, MaskComposite, FeatherMask,
    GrowMask, ThresholdMask, PorterDuffImageComposite, SplitImageWithAlpha, JoinImageWithAlpha,
    RebatchImages, Canny, ImageCrop, RepeatImageBatch, ImageFromBatch, ImageAddNoise, ImageStitch,
    ResizeAndPadImage, GetImageSize, ImageRotate, ImageFlip, Morphology, ImageRGBToYUV,
    ImageYUVToRGB, FluxKontextImageScale, LTXVPreprocess
""")
_LATENTS = _split("""
    VAEDecode, VAEEncode, VAEEncodeForInpaint, VAEDecodeTiled, VAEEncodeTiled, EmptyLatentImage,
    EmptySD3LatentImage, EmptyHunyuanLatentVideo, EmptyHunyuanImageLatent, EmptyMochiLatentVideo,
    EmptyLTXVLatentVideo, EmptyCosmosLatentVideo, EmptyChromaRadianceLatentImage,
    StableCascade_EmptyLatentImage, LatentUpscale, LatentUpscaleBy, LatentFromBatch,
    RepeatLatentBatch, SetLatentNoiseMask, LatentComposite, LatentCompositeMasked, LatentBlend,
    LatentRotate, LatentFlip, LatentCrop, LatentAdd, LatentSubtract, LatentMultiply,
    LatentInterpolate, LatentConcat, LatentCut, LatentBatch, LatentBatchSeedBehavior,
    LatentApplyOperation, LatentApplyOperationCFG, LatentOperationTonemapReinhard,
    LatentOperationSharpen, RebatchLatents, TrimVideoLatent, LTXVImgToVideo, LTXVAddGuide,
    LTXVCropGuides, HunyuanImageToVideo, HunyuanRefinerLatent, CosmosImageToVideoLatent,
    CosmosPredict2ImageToVideoLatent, Wan22ImageToVideoLatent, StableCascade_StageC_VAEEncode,
    StableCascade_SuperResolutionControlnet, SD_4XUpscale_Conditioning, ReferenceLatent
""")
_CONDITIONING = _split("""
    CLIPTextEncode, CLIPSetLastLayer, ConditioningAverage, ConditioningCombine,
    ConditioningConcat, ConditioningSetArea, ConditioningSetAreaPercentage,
    ConditioningSetAreaPercentageVideo, ConditioningSetAreaStrength, ConditioningSetMask,
    ConditioningZeroOut, ConditioningSetTimestepRange, ConditioningSetProperties,
    ConditioningSetPropertiesAndCombine, PairConditioningSetProperties,
    PairConditioningSetPropertiesAndCombine, ConditioningSetDefaultCombine,
    PairConditioningSetDefaultCombine, PairConditioningCombine, ConditioningTimestepsRange,
    CLIPVisionEncode, StyleModelApply, unCLIPConditioning, ControlNetApply,
    ControlNetApplyAdvanced, ControlNetApplySD3, SetUnionControlNetType,
    ControlNetInpaintingAliMamaApply, GLIGENTextBoxApply, InpaintModelConditioning,
    InstructPixToPixConditioning, CLIPTextEncodeSDXL, CLIPTextEncodeSDXLRefiner,
    CLIPTextEncodeSD3, CLIPTextEncodeFlux, CLIPTextEncodeHunyuanDiT, CLIPTextEncodePixArtAlpha,
    CLIPTextEncodeControlnet, CLIPTextEncodeHiDream, CLIPTextEncodeLumina2, T5TokenizerOptions,
    TextEncodeHunyuanVideo_ImageToVideo, TextEncodeQwenImageEdit, TextEncodeQwenImageEditPlus,
    FluxGuidance, FluxDisableGuidance, FluxKontextMultiReferenceLatentMethod, LTXVConditioning,
    SVD_img2vid_Conditioning, StableZero123_Conditioning, StableZero123_Conditioning_Batched,
    SV3D_Conditioning, StableCascade_StageB_Conditioning, LotusConditioning, PhotoMakerEncode,
    QwenImageDiffsynthControlnet, USOStyleReference, WanImageToVideo, WanFunControlToVideo,
    Wan22FunControlToVideo, WanFunInpaintToVideo, WanFirstLastFrameToVideo, WanVaceToVideo,
    WanCameraImageToVideo, WanCameraEmbedding, WanPhantomSubjectToVideo, WanSoundImageToVideo,
    WanSoundImageToVideoExtend, WanHuMoImageToVideo, WanAnimateToVideo, WanTrackToVideo,
    SetClipHooks, CreateHookLora, CreateHookLoraModelOnly, CreateHookModelAsLora,
    CreateHookModelAsLoraModelOnly, SetHookKeyframes, CreateHookKeyframe,
    CreateHookKeyframesInterpolated, CreateHookKeyframesFromFloats, CombineHooks2, CombineHooks4,
    CombineHooks8
""")
_SAMPLING = _split("""
    KSampler, KSamplerAdvanced, KSamplerSelect, SamplerCustom, SamplerCustomAdvanced,
    BasicScheduler, KarrasScheduler, ExponentialScheduler, PolyexponentialScheduler,
    LaplaceScheduler, VPScheduler, BetaSamplingScheduler, SDTurboScheduler,
    AlignYourStepsScheduler, GITSScheduler, LTXVScheduler, OptimalStepsScheduler,
    SamplerEulerAncestral, SamplerEulerAncestralCFGPP, SamplerLMS, SamplerDPMPP_3M_SDE,
    SamplerDPMPP_2M_SDE, SamplerDPMPP_SDE, SamplerDPMPP_2S_Ancestral, SamplerDPMAdaptative,
    SamplerER_SDE, SamplerSASolver, SamplerLCMUpscale, SamplerEulerCFGpp, SplitSigmas,
    SplitSigmasDenoise, FlipSigmas, SetFirstSigma, ExtendIntermediateSigmas,
    SamplingPercentToSigma, CFGGuider, DualCFGGuider, BasicGuider, PerpNegGuider, RandomNoise,
    DisableNoise, AddNoise
""")
_MODELS = _split("""
    ModelMergeSimple, ModelMergeBlocks, ModelMergeSubtract, ModelMergeAdd, CLIPMergeSimple,
    CLIPMergeSubtract, CLIPMergeAdd, ModelMergeSD1, ModelMergeSD2, ModelMergeSDXL,
    ModelMergeSD3_2B, ModelMergeAuraflow, ModelMergeFlux1, ModelMergeSD35_Large,
    ModelMergeMochiPreview, ModelMergeLTXV, ModelMergeCosmos7B, ModelMergeCosmos14B,
    ModelMergeWAN2_1, ModelMergeCosmosPredict2_2B, ModelMergeCosmosPredict2_14B,
    ModelMergeQwenImage, TomePatchModel, FreeU, FreeU_V2, HyperTile, ModelSamplingDiscrete,
    ModelSamplingContinuousEDM, ModelSamplingContinuousV, ModelSamplingStableCascade,
    ModelSamplingSD3, ModelSamplingAuraFlow, ModelSamplingFlux, ModelSamplingLTXV, RescaleCFG,
    ModelComputeDtype, PatchModelAddDownscale, VideoLinearCFGGuidance, VideoTriangleCFGGuidance,
    SelfAttentionGuidance, PerpNeg, PerturbedAttentionGuidance, DifferentialDiffusion,
    UNetSelfAttentionMultiply, UNetCrossAttentionMultiply, CLIPAttentionMultiply,
    UNetTemporalAttentionMultiply, SkipLayerGuidanceSD3, SkipLayerGuidanceDiT,
    SkipLayerGuidanceDiTSimple, Epsilon Scaling, Mahiro, RenormCFG, CFGZeroStar, CFGNorm, FreSca,
    APG, TCFG, ContextWindowsManual, WanContextWindowsManual, ChromaRadianceOptions, EasyCache,
    LazyCache
""")
_SOUND_AND_TEXT = _split("""
    EmptyLatentAudio, VAEEncodeAudio, VAEDecodeAudio, SaveAudio, SaveAudioMP3, SaveAudioOpus,
    PreviewAudio, ConditioningStableAudio, TrimAudioDuration, SplitAudioChannels, AudioConcat,
    AudioMerge, AudioAdjustVolume, EmptyAudio, TextEncodeAceStepAudio, EmptyAceStepLatentAudio,
    AudioEncoderEncode, PrimitiveString, PrimitiveStringMultiline, PrimitiveInt, PrimitiveFloat,
    PrimitiveBoolean, StringConcatenate, StringSubstring, StringLength, CaseConverter, StringTrim,
    StringContains, StringCompare, PreviewAny
""")

AUDITED = frozenset().union(
    _LOADERS, _IMAGES, _LATENTS, _CONDITIONING, _SAMPLING, _MODELS, _SOUND_AND_TEXT
)

_FOLDERS = "it reads or writes files of the server that the workflow chooses"
_SAVES_MODELS = "it writes model files on the server"
_NOT_TAKEN = "files of its kind are not taken yet"
_BROWSER = "it needs ComfyUI's own page in a browser"
_HANGS = "a badly chosen text would stop the server for everybody"

REFUSED = {
    "LoadImageOutput": _FOLDERS,
    "LoadLatent": _FOLDERS,
    "SaveLatent": _FOLDERS,
    "LoadImageSetFromFolderNode": _FOLDERS,
    "LoadImageTextSetFromFolderNode": _FOLDERS,
    "DiffusersLoader": _FOLDERS,
    "CheckpointLoader": "CheckpointLoaderSimple has replaced it",
    "CheckpointSave": _SAVES_MODELS,
    "ImageOnlyCheckpointSave": _SAVES_MODELS,
    "CLIPSave": _SAVES_MODELS,
    "VAESave": _SAVES_MODELS,
    "ModelSave": _SAVES_MODELS,
    "LoraSave": _SAVES_MODELS,
    "SaveLoRANode": _SAVES_MODELS,
    "TrainLoraNode": "it trains a model; this house makes pictures",
    "TorchCompileModel": "it changes the server for everybody",
    "SaveImageWebsocket": "its result is not kept by the server; use SaveImage",
    "LoadAudio": _NOT_TAKEN,
    "LoadVideo": _NOT_TAKEN,
    "Load3D": _NOT_TAKEN,
    "Load3DAnimation": _NOT_TAKEN,
    "Preview3D": _BROWSER,
    "Preview3DAnimation": _BROWSER,
    "WebcamCapture": _BROWSER,
    "RecordAudio": _BROWSER,
    "RegexMatch": _HANGS,
    "RegexExtract": _HANGS,
    "RegexReplace": _HANGS,
    "StringReplace": _HANGS,
}
"""Classes that people do try, and the reason they get."""
