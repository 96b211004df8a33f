using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving;

/// <summary>A state of libxxhash. Whoever disposes it while another thread uses it makes that one fail, not the process.</summary>
internal sealed class XxHashState : SafeHandleZeroOrMinusOneIsInvalid
{
    public XxHashState()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => XxHashLibrary.FreeState(handle) == 0;
}
