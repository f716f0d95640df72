#if !NET9_0_OR_GREATER
namespace System.Runtime.CompilerServices;

/// <summary>The attribute of .NET 9, which the compiler also recognizes in this assembly.</summary>
[AttributeUsage(AttributeTargets.Constructor | AttributeTargets.Method)]
internal sealed class OverloadResolutionPriorityAttribute(int priority) : Attribute
{
    public int Priority { get; } = priority;
}
#endif
