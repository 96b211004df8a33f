using System.Runtime.InteropServices;

namespace KvmBackup.Guarding;

/// <summary>The <c>struct pollfd</c> of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PolledDescriptor
{
    public int Descriptor;
    public short Events;
    public short Returned;
}
